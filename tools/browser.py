# SPDX-License-Identifier: MPL-2.0
"""A headless Chromium, by its DevTools protocol over a pair of pipes."""

import base64
import json
import os
import subprocess
import time


class Browser:
    """Everything together may take `timeout` seconds. `profile`: an empty folder."""

    def __init__(self, profile, timeout):
        commands, self.to = os.pipe()
        self.answers, answers = os.pipe()

        def on_start():
            # The numbers that --remote-debugging-pipe names.
            read, write = os.dup(commands), os.dup(answers)
            os.dup2(read, 3)
            os.dup2(write, 4)

        words = ["chromium", "--headless", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe",
                 "--disable-background-networking", "--disable-dev-shm-usage", f"--user-data-dir={profile}"]
        if os.geteuid() == 0:
            words.append("--no-sandbox")
        self.process = subprocess.Popen(words, preexec_fn=on_start, close_fds=False,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self.read = b""
        self.number = 0
        self.events = []
        self.session = None
        self.end = time.monotonic() + timeout

    def message(self):
        while b"\0" not in self.read:
            if time.monotonic() > self.end:
                raise TimeoutError("Chromium does not answer")
            some = os.read(self.answers, 1 << 16)
            if not some:
                raise EOFError("Chromium has ended")
            self.read += some
        one, self.read = self.read.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **arguments):
        self.number += 1
        sent = {"id": self.number, "method": method, "params": arguments}
        if self.session:
            sent["sessionId"] = self.session
        os.write(self.to, json.dumps(sent).encode() + b"\0")
        while True:
            got = self.message()
            if got.get("id") == self.number:
                if "error" in got:
                    raise RuntimeError(f"{method}: {got['error']}")
                return got["result"]
            self.events.append(got)

    def open(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(domain + ".enable")

    def value(self, expression):
        got = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in got:
            raise RuntimeError(f"{expression}: {got['exceptionDetails']}")
        return got["result"].get("value")

    def until(self, expression):
        # What it reads may not be there yet.
        while not self.value(f"(() => {{ try {{ return {expression}; }} catch {{ return false; }} }})()"):
            if time.monotonic() > self.end:
                raise TimeoutError(f"never true: {expression}")
            time.sleep(0.05)

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 700)

    def picture(self, name):
        """What is in the window."""
        image = self.call("Page.captureScreenshot")["data"]
        with open(name, "wb") as file:
            file.write(base64.b64decode(image))

    def close(self):
        self.process.kill()
        self.process.wait()
