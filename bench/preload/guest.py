"""A program of many small objects, for bench/preload: listens on the port that
it is given, takes a number of seconds a connection, makes documents of text and
back for as long, and answers how many a second that were."""

import json
import socket
import sys
import time

DOCUMENT = {
    f"channel-{i}": {"pending": i * 4096, "age": i / 7, "peers": [i, i + 1]}
    for i in range(100)
}


def documents_per_second(seconds):
    start = time.perf_counter()
    done = 0
    kept = []
    while time.perf_counter() - start < seconds:
        kept.append(json.loads(json.dumps(DOCUMENT)))
        done += 1
        if len(kept) == 200:
            kept.clear()
    return done / (time.perf_counter() - start)


def main():
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rw") as stream:
                line = stream.readline()
                if line:
                    stream.write(f"{documents_per_second(float(line))}\n")


main()
