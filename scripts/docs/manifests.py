"""Checks the manifests for Kubernetes in the documents: their parts fit together, and the kit reads their configuration."""

import os
import pathlib
import subprocess
import tempfile


def check_manifests(path, kit):
    """The mistakes of one file; `kit` is the program."""
    import yaml

    try:
        objects = [item for item in yaml.safe_load_all(path.read_text()) if item]
    except yaml.YAMLError as error:
        return [f"{path.name}: {error}"]
    found = []
    for item in objects:
        if not item.get("apiVersion") or not item.get("kind") or not item.get("metadata", {}).get("name"):
            found.append(f"{path.name}: an object without apiVersion, kind or name")
    if found:
        return found
    maps = {item["metadata"]["name"]: item.get("data", {}) for item in objects if item["kind"] == "ConfigMap"}
    pods = [item["spec"]["template"] for item in objects if item["kind"] == "Deployment"]
    for item in objects:
        selector = item.get("spec", {}).get("selector", {})
        selector = selector.get("matchLabels", selector)
        if item["kind"] in ("Deployment", "Service") and not any(
            selector.items() <= pod["metadata"]["labels"].items() for pod in pods
        ):
            found.append(f"{path.name}: {item['kind']} {item['metadata']['name']} selects no pod")
    for pod in pods:
        for container in pod["spec"]["containers"]:
            found += check_container(path.name, container, pod["spec"], maps, kit)
    return found


def check_container(name, container, pod, maps, kit):
    """Ports that probes name, volumes, and the configuration that the container reads."""
    found = []
    ports = {port["name"] for port in container.get("ports", [])}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        port = container.get(probe, {}).get("httpGet", {}).get("port")
        if port not in ports:
            found.append(f"{name}: {probe} names the port {port}")
    volumes = {volume["name"]: volume.get("configMap", {}).get("name") for volume in pod.get("volumes", [])}
    variables = {item["name"]: item.get("value", "10.0.0.1") for item in container.get("env", [])}
    with tempfile.TemporaryDirectory() as directory:
        for mount in container.get("volumeMounts", []):
            if volumes.get(mount["name"]) not in maps:
                return found + [f"{name}: there is no ConfigMap for {mount['name']}"]
            place = pathlib.Path(directory + mount["mountPath"])
            place.mkdir(parents=True)
            for file, text in maps[volumes[mount["name"]]].items():
                (place / file).write_text(text)
        variables["KIT_CONFIG"] = directory + variables.get("KIT_CONFIG", "/app/config/config.yaml")
        done = subprocess.run(
            [kit, "config", "check"],
            cwd=directory,
            env={"PATH": os.environ["PATH"], "HOME": directory} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
    if done.returncode != 0:
        found.append(f"{name}: kit config check:\n{done.stdout}")
    return found
