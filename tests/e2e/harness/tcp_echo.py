"""A TCP server, IPv4 and IPv6, that sends back what it gets: tcp_echo.py PORT."""

import socket
import socketserver
import sys

BUFFER_BYTES = 1 << 16


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(BUFFER_BYTES):
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6  # and IPv4, as long as bindv6only is 0
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Server(("::", int(sys.argv[1])), Echo).serve_forever()
