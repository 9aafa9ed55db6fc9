"""Drives a client of Node.js: one JSON call a line to its standard input, one answer a line back."""

import json
import subprocess
import sys

from scenario import Refused, run


def connect(key, secret):
    arguments = ["node", *sys.argv[1:], key, secret]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(action, parameters):
        process.stdin.write(json.dumps({"action": action, "parameters": parameters}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"{arguments} ended at {action}"
        answer = json.loads(line)
        if "code" in answer:
            raise Refused(answer["code"], answer["message"])
        return answer["body"]

    return call


# The one client that takes the caller's nonce in place of its own.
run(connect, own_nonces=sys.argv[1] == "pop_core.js")
