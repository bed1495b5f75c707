// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_PROMTOOL_HPP
#define SLK_TESTS_SUPPORT_PROMTOOL_HPP

/// What promtool, of Prometheus, finds wrong with metrics. POSIX.

#include "temporary_folder.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace slk::testing {

[[nodiscard]] inline bool has_promtool()
{
    return std::system("command -v promtool >/dev/null 2>&1") == 0;
}

/// Returns its complaints about a text of OpenMetrics; empty if it has none. It reads the older
/// format, where the names of counters have their suffix, and there are no units.
[[nodiscard]] inline std::string faults_of_metrics(const std::string& text)
{
    std::istringstream lines(text);
    const temporary_folder folder;
    const std::string path = folder.file("metrics");
    {
        std::ofstream file(path);
        std::string counter;
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::string hash, what, name, value;
            words >> hash >> what >> name;
            std::getline(words >> std::ws, value);
            if (line.starts_with("# TYPE "))
                counter = value == "counter" ? name : "";
            if (line.starts_with("# UNIT ") || line == "# EOF")
                continue;
            if (hash == "#" && name == counter)
                line = "# " + what + " " + name + "_total " + value;
            file << line << '\n';
        }
    }
    const std::string command = "promtool check metrics <" + path + " >" + path + ".out 2>&1";
    const int status = std::system(command.c_str());
    std::ostringstream found;
    found << std::ifstream(path + ".out").rdbuf();
    if (status != 0)
        found << "exit status " << status;
    return found.str();
}

} // namespace slk::testing

#endif
