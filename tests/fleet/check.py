#!/usr/bin/env python3
"""Checks a fleet's reports by counting again, without a line of the client's own code.

check.py books SERVER.json REPORT.json...      both sides have the same bytes and messages
check.py samples MERGED.json LOG...            the merged latency is that of all lines ack(...)
check.py average MERGED.json REPORT.json...    how wrong the average of the clients' p99 is
check.py starts REPORT.json...                 how far apart the first messages were
check.py spread FILE MEDIAN_MS MAX_MS          sums up lines of `starts` and holds them to limits
check.py total REPORT.json MEMBERS VALUE       their sum, as of counters.messages+unsent, is that
check.py rate MERGED.json VALUE                so many messages per second, within 1 %
"""

import json
import math
import re
import statistics
import sys


def report(name):
    with open(name, encoding="utf-8") as file:
        return json.loads(file.read().splitlines()[-1])


def books(server_name, *names):
    server = report(server_name)["counters"]
    clients = [report(name)["counters"] for name in names]
    sent, verified, messages = (
        sum(client[member] for client in clients) for member in ("sent", "verified", "messages"))
    print(f"clients sent {sent:,} and verified {verified:,} bytes in {messages:,} messages, "
          f"the server received {server['received']:,} and sent {server['sent']:,}")
    return messages > 0 and sent == verified == server["received"] == server["sent"]


def bucket_upper(value):
    """The upper bound of the bucket of a value in nanoseconds, by the rule of histogram.h: 128
    buckets of equal width for each power of two."""
    shift = max(value.bit_length() - 8, 0)
    return ((value >> shift) + 1 << shift) - 1


def percentile(samples, wanted):
    """The nearest rank, as its bucket shows it. The ends are exact."""
    rank = max(math.ceil(len(samples) * wanted / 100), 1)
    if wanted == 0:
        return samples[0]
    return min(bucket_upper(samples[rank - 1]), samples[-1])


def samples(merged_name, *logs):
    values = []
    for log in logs:
        with open(log, encoding="utf-8") as file:
            values += [round(float(us) * 1000)
                       for us in re.findall(r"^ack\(\d+\) .* (\d+\.\d{3}) us$", file.read(), re.M)]
    values.sort()
    latency = report(merged_name)["latency_ns"]
    counts = {}
    for value in values:
        upper = bucket_upper(value)
        counts[upper] = counts.get(upper, 0) + 1
    wrong = [wanted for wanted, shown in latency["percentiles"].items()
             if shown != percentile(values, float(wanted))]
    wrong += [name for name, exact in (("count", len(values)), ("min", values[0]),
                                       ("max", values[-1]),
                                       ("buckets", sorted(map(list, counts.items()))))
              if latency[name] != exact]
    if abs(latency["mean"] - sum(values) / len(values)) > 0.1:
        wrong.append("mean")
    print(f"{len(values):,} samples, {len(latency['percentiles'])} percentiles, "
          f"{len(counts)} buckets, count, minimum, mean and maximum"
          + (f"; different: {', '.join(wrong)}" if wrong else ""))
    return not wrong


def average(merged_name, *names):
    each = [report(name)["latency_ns"]["percentiles"]["99"] / 1e6 for name in names]
    exact = report(merged_name)["latency_ns"]["percentiles"]["99"] / 1e6
    mean = sum(each) / len(each)
    print("p99 of each client: " + ", ".join(f"{value:.3f} ms" for value in each))
    print(f"their average:      {mean:.3f} ms, which is {100 * (mean / exact - 1):+.0f} %")
    print(f"p99 of the whole:   {exact:.3f} ms")
    return True


def starts(*names):
    reports = [report(name) for name in names]
    spread = {member: 1000 * (max(times) - min(times)) for member, times in
              ((member, [one[member] for one in reports])
               for member in ("first_message_unix", "started_unix"))}
    print(f"first messages {spread['first_message_unix']:.3f} ms apart, "
          f"starts {spread['started_unix']:.3f} ms")
    return True


def spread(name, median_limit, limit):
    with open(name, encoding="utf-8") as file:
        values = sorted(float(ms) for ms in re.findall(r"messages ([\d.]+) ms", file.read()))
    median = statistics.median(values)
    print(f"{len(values)} starts, {values[0]:.3f} to {values[-1]:.3f} ms apart, "
          f"median {median:.3f} ms")
    return median <= float(median_limit) and values[-1] <= float(limit)


def total(name, members, wanted):
    value = 0
    for path in members.split("+"):
        part = report(name)
        for member in path.split("."):
            part = part[member]
        value += part
    print(f"{value:,}")
    return value == int(wanted)


def rate(name, wanted):
    value = report(name)["messages_per_second"]
    print(f"{value:,.1f}")
    return abs(value / float(wanted) - 1) <= 0.01


def main(name, *arguments):
    checks = (books, samples, average, starts, spread, total, rate)
    try:
        return {check.__name__: check for check in checks}[name](*arguments)
    except (OSError, LookupError, TypeError, ValueError) as error:
        print(f"cannot be checked: {error!r}")
        return False


if __name__ == "__main__":
    sys.exit(not main(*sys.argv[1:]))
