"""Clients that break HTTP/2 or gRPC, or try to harm.

    hostile.py list SUBJECT         prints the names of the cases in cases_SUBJECT.py
    hostile.py client PORT CASE --limits JSON [--tls DIRECTORY]
                                    runs one against a server; its exit code tells the outcome

Every case comes with a bystander: another connection that is open all the time, whose calls have to succeed. When a
case is over, no handler of its calls may be running.
"""

import argparse
import json

# Each module registers its cases.
import cases_floods
import cases_flow_control
import cases_framing
import cases_grpc
import cases_headers
import cases_slow
import cases_tls
from connection import CASES, Connection, Server

parser = argparse.ArgumentParser()
roles = parser.add_subparsers(dest="role", required=True)
listing = roles.add_parser("list")
listing.add_argument("subject")
client = roles.add_parser("client")
client.add_argument("port", type=int)
client.add_argument("case")
client.add_argument("--limits", type=json.loads, required=True)
client.add_argument("--tls")
options = parser.parse_args()

if options.role == "list":
    print("\n".join(CASES[options.subject]))
else:
    [run] = [cases[options.case] for cases in CASES.values() if options.case in cases]
    bystander = Connection(options.port, "bystander", tls=options.tls)
    bystander.call()
    server = Server(options.port, options.case, options.limits, options.tls, bystander)
    run(server)
    server.disconnect()
    bystander.call()
    bystander.call(options.case.encode(), method="AwaitEnd")
