// SPDX-License-Identifier: MPL-2.0
#include "input_file.hpp"
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

using namespace slk::testing;

namespace {

/// What link --pipe gets back from an echoing or discarding listener for `text`.
struct exchange {
    run_result link;
    run_result listener;
};

[[nodiscard]] exchange send_through(const std::string& text, const std::string& mode)
{
    const input_file input(text);
    running_slk listener("listen " + mode + " --once 1 --for 30s tcp://127.0.0.1:0");
    const std::string first = listener.line();
    const std::string intro = "listening on ";
    REQUIRE(first.starts_with(intro));
    exchange seen;
    seen.link = run_slk("link --pipe --for 20s tcp://" + first.substr(intro.size()), input.path());
    seen.listener = listener.finish();
    return seen;
}

} // namespace

TEST_CASE("slk listen --echo returns the input of slk link --pipe")
{
    SLK_NEEDS_COMMAND();
    const exchange seen = send_through("hello, link\n", "--echo");
    CHECK(seen.link.code == 0);
    CHECK(seen.link.out.find("hello, link") != std::string::npos);
    // When both sides have finished, the connection does not count as lost.
    CHECK(seen.link.out.find("backoff") == std::string::npos);
    CHECK(seen.listener.code == 0);
    CHECK(
        seen.listener.out.find("accepted 1, failed 0, shed 0, bytes received 12, bytes sent 12") !=
        std::string::npos);
}

TEST_CASE("more than a buffer of input passes through slk link --pipe in full")
{
    SLK_NEEDS_COMMAND();
    const std::string text(1'000'000, '~');
    const exchange seen = send_through(text, "--echo");
    CHECK(seen.link.code == 0);
    CHECK(seen.listener.out.find("bytes received 1000000, bytes sent 1000000") !=
          std::string::npos);
    std::size_t back = 0;
    for (std::size_t i = 0; i < seen.link.out.size(); ++i)
        back += seen.link.out[i] == '~' ? 1 : 0;
    CHECK(back == text.size());
}

TEST_CASE("slk link and slk listen work with ipc endpoints")
{
#if defined(_WIN32)
    SLK_SKIP("ipc needs a POSIX system");
#else
    SLK_NEEDS_COMMAND();
    const input_file input("hello, link\n");
    running_slk listener("listen --once 1 --for 30s 'ipc://*'");
    const std::string first = listener.line();
    const std::string intro = "listening on ";
    REQUIRE(first.starts_with(intro + "ipc://"));
    const std::string where = first.substr(intro.size());
    const run_result link = run_slk("link --pipe --for 20s " + where, input.path());
    CHECK(link.code == 0);
    CHECK(link.out.find("hello, link") != std::string::npos);
    const run_result rest = listener.finish();
    CHECK(rest.code == 0);
    CHECK(rest.out.find("accepted 1, failed 0, shed 0, bytes received 12, bytes sent 12") !=
          std::string::npos);
    const run_result refused = run_slk("link --never " + where);
    CHECK(refused.code == 4);
    CHECK(refused.out.find("there is no such socket") != std::string::npos);
#endif
}

TEST_CASE("slk listen --discard sends nothing back")
{
    SLK_NEEDS_COMMAND();
    const exchange seen = send_through("hello, link\n", "--discard");
    CHECK(seen.link.code == 0);
    CHECK(seen.link.out.find("hello, link") == std::string::npos);
    CHECK(seen.listener.out.find("bytes received 12, bytes sent 0") != std::string::npos);
}

TEST_CASE("slk listen writes JSON and ends after --for")
{
    SLK_NEEDS_COMMAND();
    const run_result result = run_slk("listen --json --for 100ms tcp://127.0.0.1:0");
    CHECK(result.code == 0);
    const auto lines = lines_of(result.out);
    REQUIRE(lines.size() == 2);
    CHECK(json_value(lines[0], "event") == "\"listening\"");
    CHECK(json_value(lines[0], "address").starts_with("\"127.0.0.1:"));
    CHECK(json_value(lines[1], "accepted") == "0");
}
