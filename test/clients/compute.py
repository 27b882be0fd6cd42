"""Google's Python client (google-cloud-compute) reads what `spillway serve --compute` says, and is refused what it may not do.

Usage: python compute.py SPILLWAY DIRECTORY
"""

import re
import subprocess
import sys
import tempfile
import time

from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1

PROJECT = "spillway-demo"
PATIENCE = 60  # seconds


def main():
    program, directory = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        command = [program, "serve", directory, "--state", "none", "--socket", scratch + "/s.sock", "--compute", "127.0.0.1:0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                check(address(server))
            finally:
                server.terminate()
    print("google-cloud-compute", compute_v1.__version__, "reads what is served, and is refused what it may not do")


def address(server):
    for line in server.stdout:
        if found := re.search(r"compute API (http://[^/]+)/", line):
            return found.group(1)
    raise SystemExit("the server ended without an address")


def check(endpoint):
    def client(kind):
        return kind(credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint})

    services = client(compute_v1.BackendServicesClient)
    store = eventually(lambda: [s for s in services.list(project=PROJECT) if "-store-store-8080-" in s.name])[0]
    assert store.protocol == "HTTP" and store.id and store.creation_timestamp and store.fingerprint, store
    assert services.get(project=PROJECT, backend_service=store.name) == store

    pages = services.list(request={"project": PROJECT, "max_results": 2}).pages
    sizes = [len(page.items) for page in pages]
    assert len(sizes) > 1 and set(sizes[:-1]) == {2}, sizes
    same = services.list(request={"project": PROJECT, "filter": f'name eq "{store.name}"'})
    assert [s.name for s in same] == [store.name]
    everywhere = {scope: part.backend_services for scope, part in services.aggregated_list(project=PROJECT)}
    assert store in everywhere["global"], everywhere

    group = compute_v1.ResourceGroupReference(group=store.backends[0].group)

    def healthy():
        health = services.get_health(
            project=PROJECT, backend_service=store.name, resource_group_reference_resource=group)
        return health.health_status and all(s.health_state == "HEALTHY" for s in health.health_status)

    eventually(healthy)
    check_groups(client(compute_v1.NetworkEndpointGroupsClient))
    check_frontends(client)
    refused(exceptions.NotFound, lambda: services.get(project=PROJECT, backend_service="nothing"))
    refused(exceptions.NotFound, lambda: list(services.list(project="another")))
    refused(exceptions.Forbidden, lambda: services.delete(project=PROJECT, backend_service=store.name))
    refused(exceptions.BadRequest, lambda: list(services.list(request={"project": PROJECT, "filter": "name"})))


def check_groups(groups):
    show = compute_v1.NetworkEndpointGroupsListEndpointsRequest(health_status="SHOW")
    seen = 0
    for scope, part in groups.aggregated_list(project=PROJECT):
        for group in part.network_endpoint_groups:
            where = {"project": PROJECT, "zone": scope.removeprefix("zones/"), "network_endpoint_group": group.name}
            endpoints = list(groups.list_network_endpoints(
                **where, network_endpoint_groups_list_endpoints_request_resource=show))
            assert len(endpoints) == group.size and endpoints[0].healths, (group, endpoints)
            refused(exceptions.Forbidden, lambda where=where: groups.delete(**where))
            seen += 1
    assert seen >= 4, seen


def check_frontends(client):
    maps = list(client(compute_v1.UrlMapsClient).list(project=PROJECT))
    proxies = list(client(compute_v1.TargetHttpProxiesClient).list(project=PROJECT))
    rules = list(client(compute_v1.GlobalForwardingRulesClient).list(project=PROJECT))
    assert proxies[0].url_map == maps[0].self_link and rules[0].target == proxies[0].self_link, (maps, proxies, rules)
    assert maps[0].path_matchers[0].route_rules[0].match_rules[0].prefix_match, maps
    checks = list(client(compute_v1.HealthChecksClient).list(project=PROJECT))
    assert checks and checks[0].http_health_check.request_path == "/", checks
    zones = {zone.name for zone in client(compute_v1.ZonesClient).list(project=PROJECT)}
    assert len(zones) == 2, zones


def refused(kind, call):
    try:
        call()
    except kind as error:
        assert error.message, error
        return
    raise AssertionError(f"{kind.__name__} was expected")


def eventually(look):
    end = time.monotonic() + PATIENCE
    while True:
        if found := look():
            return found
        if time.monotonic() > end:
            raise AssertionError("it did not come to that")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
