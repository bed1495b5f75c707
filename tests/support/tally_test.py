# SPDX-License-Identifier: MPL-2.0
import unittest

import tally

SLOW = ["slow: 1.00 s: something else"] * tally.OUTPUT_LINES
BLOCK = ["=" * 79, "a_test.cpp:7:", "TEST CASE:  a case", "a_test.cpp:9: ERROR: CHECK( a ) is NOT correct!"]
NOTE = ["=" * 79, "a_test.cpp:3:", "TEST CASE:  another", "a_test.cpp:4: MESSAGE: 3 turns"]


class Shortened(unittest.TestCase):
    def test_a_short_output_is_shown_whole(self):
        self.assertEqual(tally.shortened("a\r\nb\n"), ["a", "b"])

    def test_a_failure_far_from_the_end_is_shown(self):
        text = "\n".join([*NOTE, *BLOCK, "failed: a case", *NOTE, *SLOW])
        self.assertEqual(
            tally.shortened(text),
            [*BLOCK, "failed: a case", "... 8 lines left out", *SLOW],
        )

    def test_a_case_that_failed_without_a_block_is_named(self):
        self.assertEqual(tally.shortened("\n".join(["failed: it", *SLOW]))[0], "failed: it")


if __name__ == "__main__":
    unittest.main()
