"""gRPC's interoperability tests on gRPC for Python.

    interop.py server                       prints its port; serves until its standard input ends
    interop.py client PORT CASE             runs one case against a server; its exit code tells the outcome

Either takes `--tls DIRECTORY`, which holds ca.pem and, of each side, a certificate and its key, and `--mutual`, upon
which the client shows its certificate too.
"""

import argparse

from interop_client import run_case
from interop_messages import Certificates
from interop_server import serve

security = argparse.ArgumentParser(add_help=False)
security.add_argument("--tls")
security.add_argument("--mutual", action="store_true")
parser = argparse.ArgumentParser()
roles = parser.add_subparsers(dest="role", required=True)
roles.add_parser("server", parents=[security])
client = roles.add_parser("client", parents=[security])
client.add_argument("port")
client.add_argument("case")
options = parser.parse_args()

certificates = Certificates(options.tls, options.mutual) if options.tls else None
if options.role == "server":
    serve(certificates)
else:
    run_case(options.case, options.port, certificates)
