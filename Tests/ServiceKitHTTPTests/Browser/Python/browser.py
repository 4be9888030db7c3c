"""Drives Chromium by WebDriver (https://www.w3.org/TR/webdriver2/).

Usage: browser.py DRIVER OPEN_PORT CLOSED_PORT. Prints the results of all calls as JSON: of a page of the open server, of a page
of another origin, and of the page of OpenAPI.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import httpx

driver, open_port, closed_port = sys.argv[1:]
scripts = pathlib.Path(__file__).parent
flags = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions"]
# Chromium has no sandbox for root.
if os.geteuid() == 0:
    flags.append("--no-sandbox")


class Browser:
    def __init__(self, port, profile):
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=90, trust_env=False)
        options = {"args": flags + [f"--user-data-dir={profile}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "timeouts": {"script": 60000}}
        session = self.send("/session", {"capabilities": {"alwaysMatch": wanted}})
        self.path = f"/session/{session['sessionId']}"

    def send(self, path, body):
        response = self.client.post(path, json=body)
        value = response.json()["value"]
        if response.status_code != 200:
            raise RuntimeError(value["message"])
        return value

    def run(self, url, script, *arguments):
        self.send(f"{self.path}/url", {"url": url})
        text = (scripts / script).read_text()
        return self.send(f"{self.path}/execute/async", {"script": text, "args": arguments})

    def quit(self):
        self.client.delete(self.path)


def main(profile):
    process = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        port = None
        while port is None:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the driver has ended")
            found = re.search(r"on port (\d+)\.", line)
            port = found and found.group(1)
        browser = Browser(port, profile)
        try:
            own, closed = f"http://127.0.0.1:{open_port}", f"http://127.0.0.1:{closed_port}"
            # The same page by another name is of another origin.
            other = f"http://localhost:{open_port}"
            return {
                "own": browser.run(f"{own}/page", "calls.js", own, closed),
                "other": browser.run(f"{other}/page", "calls.js", own, closed),
                "openapi": browser.run(f"{own}/openapi", "page.js", "2"),
            }
        finally:
            browser.quit()
    finally:
        process.terminate()
        process.wait()


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
    print(json.dumps(main(directory)))
