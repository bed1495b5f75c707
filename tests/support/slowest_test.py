# SPDX-License-Identifier: MPL-2.0
import json
import unittest

import slowest


class Slowest(unittest.TestCase):
    def test_the_last_entry_of_an_object_file_counts(self):
        log = (
            "# ninja log v5\n"
            "0\t3000\t5000000000\tsrc/a.cpp.o\tf00\n"
            "10\t1510\t5000000000\tsrc/a.cpp.o\tf00\n"
            "0\t9000\t5000000000\ttest-unit\tf00\n"
        )
        self.assertEqual(slowest.compiled_files(log, 5), [(1.5, "src/a.cpp.o")])

    def test_what_was_compiled_before_does_not_count(self):
        log = "# ninja log v5\n0\t3000\t4000000000\tsrc/a.cpp.o\tf00\n"
        self.assertEqual(slowest.compiled_files(log, 5), [])

    def test_a_program_names_its_slow_cases(self):
        log = json.dumps(
            {
                "name": "serverlink / link-epoll",
                "duration": 2.5,
                "stdout": "slow: 1.25 s: a link heals\r\nslk-tests: 2 passed, 0 failed, 0 skipped\n",
            }
        )
        self.assertEqual(
            slowest.programs_and_cases(log),
            ([(2.5, "link-epoll")], [(1.25, "link-epoll: a link heals")]),
        )

    def test_a_table_has_the_slowest_first_and_no_more_than_its_rows(self):
        lines = slowest.table("slowest:", [(n, "native", f"file {n}") for n in range(20)])
        self.assertEqual(len(lines), 1 + slowest.ROWS)
        self.assertIn("file 19", lines[1])

    def test_nothing_makes_no_table(self):
        self.assertEqual(slowest.table("slowest:", []), [])


if __name__ == "__main__":
    unittest.main()
