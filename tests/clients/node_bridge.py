"""Drives a client of Node.js: one JSON call a line to its standard input, one answer a line back."""

import json
import subprocess
import sys

from scenario import Refused, run


def bridge(arguments):
    process = subprocess.Popen(["node", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

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


run(bridge(sys.argv[1:]))
