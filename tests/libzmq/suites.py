#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""The tests of other projects, once with the system's libzmq and once with ours.

    suites.py pyzmq|czmq FOLDER_OF_OURS

They come from Debian's packages: pyzmq's own tests from python3-zmq, czmq's self-tests inside
libczmq4. Whatever passes with the system's library must pass with ours; the table shows the
differences. A test that differs is run again, alone, a few times. The last line tells how many
cases passed, failed and were skipped, as that of a test program.
"""
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

PYTHON = "/usr/bin/python3"
PYZMQ_SECONDS = 600
CZMQ_SECONDS = 60
RETRIES = 4
MAX_RETRIED = 25
# zbeacon wants broadcasts.
CZMQ = """zactor zauth zcert zcertstore zchunk zclock zconfig zdigest zdir zfile zframe
zgossip zhash zhashx ziflist zlist zlistx zloop zmonitor zmsg zpoller zproxy zrex zsock zstr
zsys zuuid""".split()
# What may differ, by a pattern for the name, and why: rows of docs/libzmq.md.
MISSING = {
    # The first one publishes right after it has subscribed, which is a race, and leaves a handler
    # behind that makes the others fail.
    r"test_log\.TestPubLog\..*": "a race, which an unoptimised library loses",
}
# They need a compiler for Python.
LEFT_OUT = ["--deselect", "test_cython.py"]


def environment(folder):
    chosen = dict(os.environ)
    chosen.pop("SERVERLINK_BACKEND", None)
    if folder:
        chosen["LD_LIBRARY_PATH"] = folder
    else:
        chosen.pop("LD_LIBRARY_PATH", None)
    return chosen


def loaded(folder):
    """The libzmq that a Python program gets."""
    code = ("import zmq\n"
            "print(next(l.split()[-1] for l in open('/proc/self/maps') if 'libzmq.so' in l))")
    done = subprocess.run([PYTHON, "-c", code], env=environment(folder), capture_output=True,
                          text=True, check=False)
    return os.path.realpath(done.stdout.strip()) if done.returncode == 0 else None


def outcome_of(case):
    for what in ("failure", "error", "skipped"):
        if case.find(what) is not None:
            return "skipped" if what == "skipped" else "failed"
    return "passed"


def pyzmq(folder, only=()):
    """The outcome of each test; with names each alone."""
    if only:
        outcomes = {}
        for name in only:
            # The report of one file has other names.
            found = run_pytest(folder, selection(name), PYZMQ_SECONDS // 4).values()
            outcomes[name] = "passed" if found and set(found) == {"passed"} else "failed"
        return outcomes
    return run_pytest(folder, ["--pyargs", "zmq.tests"], PYZMQ_SECONDS)


def selection(name):
    """What makes pytest run that test alone, of which the report says module.Class.test[values]."""
    words = re.sub(r"\[.*", "", name).split(".")
    at = next(index for index, word in enumerate(words) if word.startswith("test_"))
    return ["-k", " and ".join(words[at + 1:]), "--pyargs", f"zmq.tests.{words[at]}"]


def run_pytest(folder, selected, seconds):
    with tempfile.TemporaryDirectory() as scratch:
        report = f"{scratch}/report.xml"
        command = [PYTHON, "-X", "faulthandler", "-m", "pytest", "-p", "no:cacheprovider", "-W",
                   "ignore", "-q", "--tb=short", f"--junitxml={report}", *LEFT_OUT, *selected]
        try:
            done = subprocess.run(command, env=environment(folder), cwd=scratch, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                  timeout=seconds)
            print(done.stdout[-6000:])
        except subprocess.TimeoutExpired as expired:
            print((expired.stdout or b"").decode(errors="replace")[-6000:])
            print(f"pyzmq's tests take more than {seconds} s")
        if not os.path.exists(report):
            return {}
        cases = xml.etree.ElementTree.parse(report).iter("testcase")
        return {f"{case.get('classname')}.{case.get('name')}": outcome_of(case) for case in cases}


def czmq(folder, only=()):
    outcomes = {}
    for name in only or CZMQ:
        with tempfile.TemporaryDirectory() as scratch:
            os.makedirs(f"{scratch}/src/selftest-rw")
            os.makedirs(f"{scratch}/src/selftest-ro")
            code = f"import ctypes; ctypes.CDLL('libczmq.so.4').{name}_test(0)"
            try:
                done = subprocess.run([PYTHON, "-c", code], env=environment(folder), cwd=scratch,
                                      text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      check=False, timeout=CZMQ_SECONDS)
                outcomes[name] = "passed" if done.returncode == 0 else "failed"
                text = done.stdout
            except subprocess.TimeoutExpired:
                outcomes[name] = "failed"
                text = f"takes more than {CZMQ_SECONDS} s"
            if outcomes[name] == "failed":
                print(f"{name} with {folder or 'the system library'}: {text[-1500:]}")
    return outcomes


def differences(theirs, ours):
    return sorted(name for name, outcome in theirs.items()
                  if outcome == "passed" and ours.get(name) != "passed")


def reason(name):
    """Why it may differ; None: it may not."""
    return next((why for pattern, why in MISSING.items() if re.fullmatch(pattern, name)), None)


def main(suite, folder):
    folder = os.path.abspath(folder)
    run = {"pyzmq": pyzmq, "czmq": czmq}[suite]
    library = loaded(folder)
    if loaded(None) is None or (suite == "czmq" and not czmq(None, ["zuuid"]).get("zuuid") == "passed"):
        print(f"skipped: the tests of {suite} are not installed")
        print("slk-tests: 0 passed, 0 failed, 1 skipped")
        return 0
    if library is None or not library.startswith(os.path.realpath(folder)):
        print(f"failed: {folder} has no libzmq that Python loads, but {library}")
        print("slk-tests: 0 passed, 1 failed, 0 skipped")
        return 1
    theirs = run(None)
    ours = run(folder)
    different = differences(theirs, ours)
    missing = {name: why for name in different if (why := reason(name))}
    different = [name for name in different if name not in missing]
    # Some of them fail now and then, with each library, and make those fail that come after them.
    for _ in range(RETRIES):
        if not different or len(different) > MAX_RETRIED:
            break
        ours.update(run(folder, different))
        different = [name for name in different if ours.get(name) != "passed"]
    for name, why in missing.items():
        print(f"skipped: {name}: {why}")
    print(f"{suite}: {len(theirs)} tests; what differs (libzmq, ours):")
    for name in different:
        print(f"  {name}: {theirs[name]}, {ours.get(name, 'not run')}")
        print(f"failed: {name}")
    if not different:
        print("  nothing")
    both_fail = sum(1 for name, outcome in theirs.items()
                    if outcome == "failed" and ours.get(name) != "passed")
    skipped = sum(1 for outcome in theirs.values() if outcome == "skipped")
    passed = sum(1 for outcome in theirs.values() if outcome == "passed")
    passed -= len(different) + len(missing)
    print(f"  {both_fail} fail with both, {skipped} are skipped by {suite} itself")
    if passed < {"pyzmq": 250, "czmq": 20}[suite]:
        print(f"failed: only {passed} tests were run")
        different.append("too few")
    print(f"slk-tests: {passed} passed, {len(different)} failed, {len(missing)} skipped")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
