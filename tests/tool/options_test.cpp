// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

using namespace slk::testing;

TEST_CASE("slk link takes every option in its range")
{
    SLK_NEEDS_COMMAND();
    for (const char* options :
         {"--base 0",
          "--base 20ms",
          "--floor 0",
          "--floor 1.5s",
          "--cap 1m",
          "--connect-timeout 0",
          "--connect-timeout 3s",
          "--address-stagger 100ms",
          "--stable-after 0",
          "--stable-after 1h",
          "--useful-when first-receive",
          "--useful-when connected",
          "--spread",
          "--never",
          "--policy refused=stop --policy timed_out=slowly",
          "--policy name_not_found=retry",
          "--no-delay",
          "--delay",
          "--keep-alive",
          "--no-keep-alive",
          "--keep-alive-idle 10s --keep-alive-interval 5s --keep-alive-count 5",
          "--source 127.0.0.1"}) {
        CAPTURE(options);
        const run_result result = run_slk(std::string("link --stop-on-refused --for 10s ") +
                                          options + " " + dead_endpoint);
        CHECK(result.code == 4);
        CHECK(result.out.find("connection_refused") != std::string::npos);
    }
}

TEST_CASE("slk link rejects an option that is out of range")
{
    SLK_NEEDS_COMMAND();
    for (const char* options : {"--base 5",
                                "--base 5x",
                                "--base ms",
                                "--base=-1ms",
                                "--base 1.2.3s",
                                "--floor soon",
                                "--base 10s --cap 1s",
                                "--cap 200000000h",
                                "--connect-timeout 5 s",
                                "--connect-timeout x",
                                "--address-stagger 99ms",
                                "--address-stagger 3s",
                                "--stable-after 1d",
                                "--useful-when never",
                                "--useful-when confirmed",
                                "--policy refused",
                                "--policy refused=later",
                                "--policy unheard_of=stop",
                                "--never --base 1s",
                                "--delay --no-delay",
                                "--keep-alive-idle 500ms",
                                "--keep-alive-interval 40000s",
                                "--keep-alive-count -1",
                                "--keep-alive-count 128",
                                "--tos 256",
                                "--tos x",
                                "--send-buffer 0",
                                "--receive-buffer 0",
                                "--source nonsense",
                                "--for soon"}) {
        CAPTURE(options);
        const run_result result =
            run_slk(std::string("link --stop-on-refused ") + options + " " + dead_endpoint);
        CHECK(result.code == 2);
        CHECK_FALSE(result.out.empty());
    }
}

TEST_CASE("slk link --device uses that interface only")
{
#if defined(__linux__)
    SLK_NEEDS_COMMAND();
    // No such interface: an option that were dropped would lead to connection_refused.
    const run_result device =
        run_slk(std::string("link --json --never --device nowhere0 ") + dead_endpoint);
    CHECK(device.code == 1);
    CHECK(device.out.find("\"state\":\"idle\"") != std::string::npos);
    CHECK(device.out.find("connection_refused") == std::string::npos);
#else
    SLK_SKIP("the other systems have no such option");
#endif
}
