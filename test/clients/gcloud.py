"""gcloud itself, with its endpoints turned to `spillway serve --compute`, prints what `spillway compute` prints; and is refused what it may not do.

Usage: python gcloud.py SPILLWAY DIRECTORY
"""

import os
import re
import subprocess
import sys
import tempfile

# Commands that read, in gcloud's words. In a test of its own each would take gcloud a second to start.
LISTS = [
    "backend-services", "url-maps", "forwarding-rules", "health-checks", "target-http-proxies", "target-https-proxies", "addresses",
    "ssl-certificates", "ssl-policies", "network-endpoint-groups",
]
COMMANDS = [["compute", collection, "list"] for collection in LISTS] + [
    ["compute", "url-maps", "list", "--format", "table[box,title=Maps](name,id:align=right,creationTimestamp.date('%Y'))"],
    ["compute", "backend-services", "list", "--format", "flattened", "--limit", "1"],
    ["compute", "backend-services", "list", "--format", "list(name,protocol)", "--limit", "2"],
    ["compute", "backend-services", "list", "--format", "json(name,backends[].group)", "--limit", "2"],
    ["compute", "backend-services", "list", "--format", "yaml(name,backends[0].group,timeoutSec)", "--limit", "2"],
    ["compute", "backend-services", "list", "--format", "value(name.upper(),name.slice(1:4:2),name.trailoff(12),timeoutSec.size())"],
    ["compute", "backend-services", "list", "--filter", "name~west AND protocol=http", "--format", "get(name,backends)"],
    ["compute", "backend-services", "list", "--filter", "backends:*", "--flatten", "backends[]", "--format", "csv(name,backends.group)"],
    ["compute", "backend-services", "list", "--sort-by", "~name", "--limit", "2", "--uri"],
    ["compute", "backend-services", "list", "--filter", "name=nothing"],
    ["compute", "backend-services", "describe", "nothing", "--global"],
    ["compute", "network-endpoint-groups", "delete", "nothing", "--zone", "us-east1-b", "--quiet"],
    ["service-extensions", "lb-route-extensions", "list", "--location=global"],
]


def main():
    program, directory = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        socket = scratch + "/s.sock"
        command = [program, "serve", directory, "--state", "none", "--socket", socket, "--compute", "127.0.0.1:0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                check(program, socket, scratch, address(server))
            finally:
                server.terminate()
    print(len(COMMANDS), "commands of gcloud print what spillway does")


def address(server):
    for line in server.stdout:
        if found := re.search(r"compute API (http://[^/]+)/", line):
            return found.group(1)
    raise SystemExit("the server ended without an address")


def check(program, socket, scratch, endpoint):
    environment = dict(
        os.environ,
        CLOUDSDK_CONFIG=scratch + "/config", CLOUDSDK_CORE_DISABLE_PROMPTS="1", CLOUDSDK_CORE_DISABLE_USAGE_REPORTING="true",
        CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK="true", CLOUDSDK_AUTH_DISABLE_CREDENTIALS="true", CLOUDSDK_CORE_PROJECT="spillway-demo",
        CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE=endpoint + "/compute/v1/",
        CLOUDSDK_API_ENDPOINT_OVERRIDES_NETWORKSERVICES=endpoint + "/",
    )
    name = run([program, "--server", socket, "compute", "backend-services", "list", "--filter", "backends:*", "--limit", "1", "--format", "value(name)"])
    health = ["compute", "backend-services", "get-health", name[1].strip(), "--global"]
    different = [c for c in COMMANDS + [health] if not same(program, socket, c, environment)]
    assert not different, different


def same(program, socket, command, environment):
    theirs, ours = run(["gcloud", *command], environment), run([program, "--server", socket, *command])
    if theirs != ours:
        print("gcloud " + " ".join(command), "gcloud:", *theirs, "spillway:", *ours, sep="\n", file=sys.stderr)
    return theirs == ours


def run(command, environment=None):
    """Whether it succeeds, and what it prints."""
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return done.returncode == 0, done.stdout


if __name__ == "__main__":
    main()
