// SPDX-License-Identifier: MPL-2.0
// What slk tells about wrong usage.

#include "link/link_rig.hpp"
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

using namespace slk::testing;

TEST_CASE("wrong usage of slk ends with exit code 2, a message, and the command for the help")
{
    SLK_NEEDS_COMMAND();
    struct wrong {
        const char* arguments;
        const char* text;
        const char* advice;
    };
    for (const wrong& each : {
             wrong{"", "Usage: slk", "listen"},
             {"unheard-of", "slk: unknown command 'unheard-of'\nSee ", "'slk --help'"},
             {"--unheard-of", "slk: unknown option '--unheard-of'\nSee ", "'slk --help'"},
             {"link", "slk: ENDPOINT is required\nSee ", "'slk link --help'"},
             {"link --unheard-of", "slk: unknown option '--unheard-of'\nSee ", "'slk link --help'"},
             {"lnk", "slk: unknown command 'lnk'\nDid you mean 'link'?\nSee ", "'slk --help'"},
             {"help lnk", "slk: unknown command 'lnk'\nDid you mean 'link'?\n", "'slk --help'"},
             {"help simulate hrd", "Did you mean 'herd'?", "'slk simulate --help'"},
             {"link --bse=1s tcp://127.0.0.1:1",
              "slk: unknown option '--bse'\nDid you mean '--base'?", "'slk link --help'"},
             {"completion tcsh", "slk: SHELL: 'tcsh' is not bash, zsh or fish", "slk completion"},
             {"demo surplus", "unexpected argument 'surplus'", "'slk demo --help'"},
             {"link nonsense",
              "'nonsense' is no endpoint: there is no '://', as in tcp://HOST:PORT",
              "'slk link --help'"},
             {"link tcp://127.0.0.1", "'tcp://127.0.0.1'", "the port is missing"},
             {"link tcp://127.0.0.1:0", "port 0", "'slk link --help'"},
             {"listen tcp://127.0.0.1:99999", "'tcp://127.0.0.1:99999'", "0 to 65535"},
             {"link udp://127.0.0.1:1", "'udp://127.0.0.1:1'", "is not tcp, ipc or inproc"},
             {"listen inproc://name", "inproc joins message sockets", "'slk listen --help'"},
             {"link --backend unheard-of tcp://127.0.0.1:1", "--backend: 'unheard-of'", "build: "},
             {"listen --backend unheard-of tcp://127.0.0.1:0", "--backend: 'unheard-of'",
              "build: "},
             {"demo --backend unheard-of", "--backend: 'unheard-of'", "build: "},
             {"bench nonsense", "'nonsense' is no endpoint", "tcp://HOST:PORT"},
             {"bench --bind tcp://127.0.0.1:0 --connect tcp://127.0.0.1:1", "--bind and --connect",
              "exclude each other"},
             {"bench --bind tcp://127.0.0.1:0 tcp://127.0.0.1:0", "--bind", "ENDPOINT"},
             {"bench --connect tcp://127.0.0.1:0", "port 0", "'slk bench --help'"},
             {"bench --stream x", "--stream: 'x' is not a size from 1 to 64M", "such as 64 or 1K"},
             {"bench --stream 0", "--stream: '0' is not a size", "'slk bench --help'"},
             {"bench --round-trip 65M", "--round-trip: '65M' is not a size", "64M"},
             {"bench --batch 0", "--batch: ", "in range"},
             {"bench --batch 65 --stream 1M", "--batch: of messages of 1 MiB", "64 MiB"},
             {"bench --seconds 0", "--seconds: ", "in range"},
             {"bench --timeout 5", "--timeout: '5' has no unit", "us, ms"},
             {"bench --no-thread --inproc", "--no-thread: ", "in one process"},
             {"bench --inproc tcp://127.0.0.1:0", "--inproc: ", "tcp://127.0.0.1:0"},
             {"bench --backend unheard-of", "--backend: 'unheard-of'", "build: "},
             {"send --bind tcp://127.0.0.1:0 x", "TYPE: 'x' is no type", "'slk send --help'"},
             {"send pull --bind tcp://127.0.0.1:0 x", "'pull' is no type of socket that can send",
              "pair, dealer, router, push, pub, xpub or stream"},
             {"receive push --bind tcp://127.0.0.1:0",
              "'push' is no type of socket that can receive",
              "pair, dealer, router, pull, sub, xsub or stream"},
             {"send stream --bind tcp://127.0.0.1:0 x", "the peer of one --connect", "slk send"},
             {"send stream --connect tcp://127.0.0.1:1 --connect tcp://127.0.0.1:2 x",
              "the peer of one --connect", "slk send"},
             {"receive stream --bind tcp://127.0.0.1:0 --id x", "--id: is for dealer and router",
              "stream"},
             {"receive stream --bind tcp://127.0.0.1:0 --plain-server a:b",
              "a stream has no passwords", "slk receive"},
             {"listen --pipe --echo tcp://127.0.0.1:0", "--pipe", "--echo"},
#if !defined(_WIN32) // it has no --exec
             {"listen --exec x --pipe tcp://127.0.0.1:0", "--exec", "--pipe"},
#endif
             {"listen tcp://127.0.0.1:0 --exec \"\"", "--exec", "'slk listen --help'"},
             {"listen --max-processes 3 tcp://127.0.0.1:0", "--max-processes", "--exec"},
             {"send", "TYPE is required", "'slk send --help'"},
             {"send push hello", "--bind or --connect is required", "'slk send --help'"},
             {"receive pull", "--bind or --connect is required", "'slk receive --help'"},
             {"send push --connect nonsense hello", "'nonsense' is no endpoint", "tcp://HOST:PORT"},
             {"send push --connect tcp://127.0.0.1:0 hello", "port 0", "'slk send --help'"},
             {"send push --bind inproc://name hello", "is inside one process", "use tcp or ipc"},
             {"send router --bind tcp://127.0.0.1:0 hello", "--to is required", "a router"},
             {"send push --to bob --bind tcp://127.0.0.1:0 hello", "--to: is for a router", "push"},
             {"send router --to 0x6 --bind tcp://127.0.0.1:0 hello", "--to: '0x6' is not 0x",
              "pairs of digits"},
             {"send router --to 0xzz --bind tcp://127.0.0.1:0 hello", "--to: '0xzz' is not 0x",
              "pairs of digits"},
             {"receive pull --id bob --bind tcp://127.0.0.1:0", "--id: is for dealer and router",
              "pull"},
             {"receive dealer --id 0x00 --bind tcp://127.0.0.1:0", "--id has more than 255",
              "begins with a zero"},
             {"receive pull --peer-timeout 2ms --bind tcp://127.0.0.1:0", "--peer-timeout is not 0",
              "30 days"},
             {"send push --peer-timeout 721h --bind tcp://127.0.0.1:0 hello",
              "--peer-timeout is not 0", "30 days"},
             {"send push --file name --bind tcp://127.0.0.1:0 hello", "MESSAGE and --file",
              "exclude each other"},
             {"send push --count 0 --bind tcp://127.0.0.1:0 hello", "--count: ", "in range"},
             {"receive pull --count 0 --bind tcp://127.0.0.1:0", "--count: ", "in range"},
             {"send push --every 5 --bind tcp://127.0.0.1:0 hello", "--every: '5' has no unit",
              "us, ms"},
             {"send push --wait x --bind tcp://127.0.0.1:0 hello", "--wait: 'x' is not", "100ms"},
             {"send push --linger x --bind tcp://127.0.0.1:0 hello", "--linger: 'x' is not",
              "100ms"},
             {"send push --high-water-mark x --bind tcp://127.0.0.1:0 hello", "--high-water-mark",
              "'slk send --help'"},
             {"send push --unheard-of --bind tcp://127.0.0.1:0 hello", "--unheard-of",
              "'slk send --help'"},
             {"receive pull --raw --json --bind tcp://127.0.0.1:0", "--raw", "--json"},
             {"receive pull surplus --bind tcp://127.0.0.1:0", "unexpected argument 'surplus'",
              "'slk receive --help'"},
             {"receive pull --plain-server bob --bind tcp://127.0.0.1:0",
              "--plain-server: 'bob' is not", "USER:PASSWORD"},
             {"receive pull --plain-server a:b --plain-user c --bind tcp://127.0.0.1:0",
              "--plain-user", "--plain-server"},
             {"send push --plain-password c --bind tcp://127.0.0.1:0 hello", "--plain-password",
              "--plain-user"},
             {"send push --backend unheard-of --bind tcp://127.0.0.1:0 hello",
              "--backend: 'unheard-of'", "build: "},
             {"link --source here tcp://127.0.0.1:1", "--source: 'here'", "ADDRESS:PORT"},
             {"link --base 2s --cap 1s tcp://127.0.0.1:1", "--cap is less than --base",
              "'slk link --help'"},
             {"link --tos 256 tcp://127.0.0.1:1", "--tos is not 0 to 255", "'slk link --help'"},
             {"link --keep-alive-count 128 tcp://127.0.0.1:1", "--keep-alive-count is not",
              "0 to 127"},
         }) {
        CAPTURE(each.arguments);
        const run_result result = run_slk(each.arguments);
        CAPTURE(result.out);
        CHECK(result.code == 2);
        CHECK((result.out.starts_with("slk: ") || result.out.starts_with("Usage: ")));
        CHECK(result.out.find(each.text) != std::string::npos);
        CHECK(result.out.find(each.advice) != std::string::npos);
    }
}

TEST_CASE("slk listen and slk receive on a port that is in use name it and end with exit code 1")
{
    SLK_NEEDS_COMMAND();
    slk::link_tests::rig on;
    const slk::link_tests::server first(*on);
    const std::string where = "tcp://" + to_string(first.where());
    const run_result second = run_slk("listen --for 4s " + where);
    CHECK(second.code == 1);
    CHECK(second.out.find(where) != std::string::npos);
    CHECK(second.out.find("address_in_use") != std::string::npos);

    const run_result third = run_slk("receive pull --for 4s --bind " + where);
    CHECK(third.code == 1);
    CHECK(third.out.find(where + ": ") != std::string::npos);
    CHECK(third.out.find("address_in_use") != std::string::npos);
}

TEST_CASE("slk listen on a name that is no network interface ends with exit code 1")
{
    SLK_NEEDS_COMMAND();
    const run_result result = run_slk("listen --for 4s tcp://localhost:0");
    CHECK(result.code == 1);
    CHECK(result.out.find("no network interface of that name") != std::string::npos);
}

TEST_CASE("slk reports a bad endpoint on stderr, and writes nothing to stdout")
{
#if defined(_WIN32)
    SLK_SKIP("the redirection is written for a POSIX shell");
#else
    SLK_NEEDS_COMMAND();
    // The helper adds 2>&1 at the end, which is there for `exit`.
    const run_result out = run_slk("link nonsense 2>/dev/null; exit 7");
    CHECK(out.code == 7);
    const run_result err = run_slk("link nonsense 2>&1 >/dev/null; exit $?");
    CHECK(err.code == 2);
    CHECK(err.out.find("nonsense") != std::string::npos);
    CHECK(out.out.empty());
#endif
}
