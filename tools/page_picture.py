#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Makes the picture of the page of `slk demo`: page_picture.py SLK OUTPUT."""

import subprocess
import sys
import tempfile
import time

from browser import Browser

WIDTH, HEIGHT = 1000, 1000
KILLED = "server     is killed"


def main(slk, output):
    demo = subprocess.Popen([slk, "demo", "--for", "20s"], stdout=subprocess.PIPE, text=True)
    url = None
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            browser = None
            for line in demo.stdout:
                if line.startswith("page: "):
                    url = line.split()[1]
                    browser = Browser(profile, 60)
                    browser.open()
                    browser.size(WIDTH, HEIGHT)
                    browser.call("Page.navigate", url=url)
                if KILLED in line:
                    break
            if browser is None:
                sys.exit("slk demo has no page: it was built without serverlink-http")
            time.sleep(1.3)
            browser.picture(output)
            browser.close()
    finally:
        demo.terminate()
        demo.communicate()


if __name__ == "__main__":
    main(*sys.argv[1:])
