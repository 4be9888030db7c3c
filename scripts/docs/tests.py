"""Tests of test-docs. They need bash, and no program of this repository but a `kit` that they write."""

import importlib.util
import os
import pathlib
import stat
import tempfile
import textwrap
import unittest
import unittest.mock
import xml.etree.ElementTree

from checks import check
from diagrams import DiagramMistake, draw
from manifests import check_manifests
from matching import difference, matches
from options import keys_of, unknown_options


class Documents(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        (self.root / "Sample.swift").write_text("struct A {\n    func f() {\n        g()\n    }\n\n    let x = 1\n}\n")
        kit = self.root / "kit"
        kit.write_text('#!/bin/sh\nif grep -q lisen "$3"; then echo "$3:1:1: unknown key"; exit 1; fi\n')
        kit.chmod(kit.stat().st_mode | stat.S_IXUSR)

    def check(self, text, **options):
        return check("doc.md", textwrap.dedent(text), self.root, {"kit": self.root / "kit"}, limit=1, **options)

    def assertPasses(self, text):
        result = self.check(text)
        self.assertEqual(result.mistakes, [])
        return result

    def assertFails(self, text, place, *words):
        mistakes = self.check(text).mistakes
        self.assertEqual(len(mistakes), 1, mistakes)
        self.assertTrue(mistakes[0].startswith(place), mistakes[0])
        for word in words:
            self.assertIn(word, mistakes[0])

    def test_quotes_of_written_files(self):
        text = """\
            ```sh
            mkdir new && printf 'a {\\n  b\\n}\\n' > new/A.swift
            ```
            ```swift written=new/A.swift
            b
            ```
            """
        self.assertPasses(text)
        self.assertFails(text.replace("b\n            ```", "c\n            ```"), "doc.md:5", "not in new/A.swift")
        self.assertFails(text.replace("written=new", "written=old"), "doc.md:4", "there is no file old/A.swift")

    def test_swift_builds_beside_the_tests(self):
        programs = self.root / "programs"
        programs.mkdir()
        swift = programs / "swift"
        swift.write_text('#!/bin/sh\necho "$@"\n')
        swift.chmod(0o755)
        with unittest.mock.patch.dict(os.environ, {"PATH": f"{programs}:{os.environ['PATH']}"}):
            self.assertPasses(
                f"""\
                <!-- test-docs: needs=swift -->
                ```console
                $ swift run a b
                run --scratch-path {self.root}/.build/new/build a b
                $ swift format
                format
                ```
                """
            )

    def test_session_with_its_output_passes(self):
        result = self.assertPasses(
            """\
            ```console
            $ echo one; echo two
            one
            two
            $ cd /; pwd
            /
            $ cat <<END
            > a
            > END
            a
            ```
            Text.
            ```console
            $ pwd
            /
            ```
            """
        )
        self.assertEqual((result.counts["commands"], result.counts["sessions"]), (4, 2))

    def test_wrong_output_fails_with_its_line(self):
        self.assertFails("```console\n$ echo one; echo two\none\nthree\n```\n", "doc.md:4:", "-three", "+two")

    def test_missing_and_surplus_output_fails(self):
        self.assertFails("```console\n$ true\none\n```\n", "doc.md:3:", "-one")
        self.assertFails("```console\n$ echo one\n```\n", "doc.md:2:", "+one")

    def test_placeholders(self):
        self.assertPasses("```console\n$ date +%s; echo a; echo b; echo end\n…\n…\nend\n```\n")
        self.assertPasses("```console\n$ echo id=$RANDOM ok\nid=… ok\n```\n")
        self.assertFails("```console\n$ echo id=$RANDOM bad\nid=… ok\n```\n", "doc.md:3:")

    def test_failing_command(self):
        self.assertFails("```console\n$ false\n```\n", "doc.md:2:", "status 1")
        self.assertPasses("```console fails\n$ echo no; false\nno\n```\n")
        self.assertFails("```console fails\n$ true\n```\n", "doc.md:2:", "status 0")
        self.assertFails("```sh\n# a comment\necho a \\\n  b; false\n```\n", "doc.md:4:", "status 1")

    def test_command_that_goes_on(self):
        text = """\
            ```console terminal=watch runs
            $ (until [ -e file ]; do sleep 0.05; done; exec tail -f file)
            ```
            ```console
            $ echo found > file
            ```
            ```console terminal=watch
            found
            ```
            """
        self.assertPasses(textwrap.dedent(text) + "```console terminal=watch\n^C\n```\n")
        self.assertFails(text, "doc.md: the sessions leave running: (until")
        self.assertFails(text.replace("    found\n", "    lost\n"), "doc.md:8:", "+found")

    def test_process_in_the_background_has_to_end(self):
        self.assertFails("```console\n$ sleep 61 & sleep 0.3\n```\n", "doc.md: the sessions leave running: sleep 61")
        self.assertPasses("```console\n$ sleep 61 & p=$!\n$ kill $p; wait $p 2>/dev/null; true\n```\n")

    def test_command_without_end(self):
        self.assertFails("```console\n$ sleep 62\n```\n", "doc.md:2:", "has not ended within 1 s")
        self.assertFails("```console\n$ echo 'open\n```\n", "doc.md:2:", "unexpected EOF")

    def test_command_that_is_repeated(self):
        self.assertPasses("```console eventually\n$ echo a >> log; wc -l < log\n3\n```\n")
        self.assertFails("```console eventually\n$ echo a\nb\n```\n", "doc.md:3:", "+a")

    def test_await(self):
        self.assertPasses("```console\n$ (sleep 0.3; touch file) & true\n```\n<!-- test-docs: await [ -e file ] -->\n```sh\nls file\n```\n")
        self.assertFails("<!-- test-docs: await false -->\n", "doc.md:1:", "has not come true")

    def test_ports_are_replaced_by_free_ones(self):
        self.assertPasses("<!-- test-docs: ports=9001 -->\n```console\n$ echo 9001 90010; [ 9001 != 900''1 ]\n9001 90010\n```\n")
        etcd = "<!-- test-docs: ports=2379,2380 -->\n```console\n$ echo $ETCDCTL_ENDPOINTS\nhttp://127.0.0.1:2379\n```\n"
        self.assertPasses(etcd)
        self.assertEqual(self.check(etcd, missing=["etcd"]).skipped, "etcd is not installed")
        self.assertTrue(self.check("<!-- test-docs: needs=etcd -->\n", missing=["etcd"]).skipped)

    def test_files_that_a_reader_saves(self):
        self.assertPasses("```text save=conf/a.txt\nhello\n```\n```sh\ngrep hello conf/a.txt\n```\n")

    def test_quotes(self):
        self.assertPasses("```swift file=Sample.swift\nfunc f() {\n    g()\n}\n```\n")
        self.assertPasses("```swift file=Sample.swift\nstruct A {\n    …\n\n    let x = 1\n}\n```\n")
        self.assertFails("```swift file=Sample.swift\nfunc f() {\n    h()\n}\n```\n", "doc.md:3:", "h()")
        self.assertFails("```swift file=Sample.swift\nfunc f() {\ng()\n```\n", "doc.md:3:", "g()")
        self.assertFails("```swift file=Other.swift\nx\n```\n", "doc.md:1:", "there is no file")

    def test_block_without_proof(self):
        self.assertFails("```swift\nlet x = 1\n```\n", "doc.md:1:", "no-run")
        result = self.assertPasses('```swift no-run="a sketch"\nlet x = 1\n```\n')
        self.assertEqual(result.not_run, ["doc.md:1: a sketch"])

    def test_configuration_and_json(self):
        self.assertPasses("```yaml\nlisten: x\n```\n```json\n{}\n```\n")
        self.assertFails("```yaml\nlisen: x\n```\n", "doc.md:2:", "unknown key")
        self.assertFails("```json\n{\n```\n", "doc.md:2:", "not JSON")

    def test_dead_links(self):
        self.assertPasses("# Why: a `b`?\n[a](Sample.swift), `[b](Gone.swift)`, [c](#why-a-b), [d](https://example.com/z)\n")
        self.assertFails("Text\n[a](Gone.swift#x)\n", "doc.md:2:", "there is no Gone.swift")
        self.assertFails("# One\n[a](#two)\n", "doc.md:2:", "doc.md has no heading for #two")
        (self.root / "other.md").write_text("# One\n```sh\n# No heading\n```\n## One\n")
        self.assertPasses("[a](other.md#one), [b](other.md#one-1)\n")
        self.assertFails("[a](other.md#no-heading)\n", "doc.md:1:", "other.md has no heading for #no-heading")

    def test_mistakes_in_the_convention(self):
        self.assertFails("```console terminals=2\n```\n", "doc.md:1:", "unknown option")
        self.assertFails("```console\n$ true\n", "doc.md:1:", "no end")
        self.assertFails("<!-- test-docs: port=1 -->\n", "doc.md:1:", "unknown directive")
        self.assertFails("```console\nno command\n```\n", "doc.md:2:", "no command")
        self.assertFails("```console\n^C\n```\n", "doc.md:2:", "no command runs")


class Diagrams(unittest.TestCase):
    def test_each_kind_is_drawn(self):
        for text in (
            "sequence: T\nactors: a, b\n== p ==\nframe: f\na -> b: m\nend\nb --> a: n\na -> a: o\nnote a, b: x\nb dies: y",
            "boxes: T\nbox a at 0,0 size 9,9: A\nbox b at 50,0 size 9,9: B\na -> b label 0,3: m\ntext at 1,1: t",
            "plot: T\nx: s\nline a: 0,1 2,3\nmark 1: m",
            "terminal: T\n$ a\n\n  b <c>\nleft  d",
        ):
            picture = xml.etree.ElementTree.fromstring(draw(text))
            self.assertEqual(picture[0].text, "T")

    def test_mistakes_name_their_line(self):
        for text, place in (("circle: T", "1:"), ("boxes: T\n\nbox a", "3:"), ("sequence: T\nactors: a\na -> b: m", "3:")):
            with self.assertRaises(DiagramMistake) as caught:
                draw(text)
            self.assertTrue(str(caught.exception).startswith(place), str(caught.exception))


@unittest.skipIf(importlib.util.find_spec("yaml") is None, "python3-yaml is not installed")
class Manifests(unittest.TestCase):
    TEXT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {config.yaml: "server: {listen: x}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  selector: {matchLabels: {app: a}}
  template:
    metadata: {labels: {app: a}}
    spec:
      containers:
      - name: a
        ports: [{name: http, containerPort: 1}]
        env: [{name: KIT_CONFIG, value: /etc/a/config.yaml}]
        volumeMounts: [{name: config, mountPath: /etc/a}]
        startupProbe: {httpGet: {port: http}}
        readinessProbe: {httpGet: {port: http}}
        livenessProbe: {httpGet: {port: http}}
      volumes: [{name: config, configMap: {name: a}}]
"""

    def check(self, text):
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            kit = directory / "kit"
            kit.write_text('#!/bin/sh\n! grep lisen: "$KIT_CONFIG"\n')
            kit.chmod(kit.stat().st_mode | stat.S_IXUSR)
            (directory / "a.yaml").write_text(text)
            return check_manifests(directory / "a.yaml", kit)

    def test_parts_that_fit_pass(self):
        self.assertEqual(self.check(self.TEXT), [])

    def test_each_mistake_is_found(self):
        for old, new, words in [
            ("labels: {app: a}", "labels: {app: b}", "selects no pod"),
            ("livenessProbe: {httpGet: {port: http}}", "livenessProbe: {httpGet: {port: grpc}}", "the port grpc"),
            ("configMap: {name: a}", "configMap: {name: b}", "no ConfigMap"),
            ("listen", "lisen", "kit config check"),
            ("kind: ConfigMap", "", "without apiVersion, kind or name"),
            ("data: {", "data: {{", "a.yaml:"),
        ]:
            mistakes = self.check(self.TEXT.replace(old, new))
            self.assertEqual(len(mistakes), 1, mistakes)
            self.assertIn(words, mistakes[0])


class Options(unittest.TestCase):
    def test_unknown_options_are_found(self):
        keys = keys_of("| Key |\n|---|\n| `server.limit.methods` | none |\n| `client.balancer` | p2c |\n")
        good = "`server.limit`, `client.balancer: p2c`, `server.limit.methods.x`, `server.run()`, `app.serve`, server.gone\n"
        self.assertEqual(unknown_options("a.md", good + "```sh\n`server.gone`\n```\n", keys), [])
        found = unknown_options("a.md", "\n`server.gone` and `client.balancer.x=1`\n", keys)
        self.assertEqual(found, [f"a.md:2: docs/options.md has no {name}" for name in ("server.gone", "client.balancer.x")])


class Matching(unittest.TestCase):
    def test_difference_names_the_first_line_that_differs(self):
        self.assertFalse(matches(["a…", "…", "c", "d"], ["ab", "x", "c", "e"]))
        text, index = difference(["a…", "…", "c", "d"], ["ab", "x", "c", "e"])
        self.assertEqual(index, 3)
        self.assertIn("-d", text)
        self.assertNotIn("-a", text)


if __name__ == "__main__":
    unittest.main()
