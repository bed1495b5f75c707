// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "terminal.hpp"

#include <cstdio>
#include <exception>

#ifdef __MINGW32__
// Its start-up code would replace a word such as "a*" by the names of files.
extern "C" int _dowildcard;
int _dowildcard = 0;
#endif

int main(int argc, char** argv)
{
    using namespace slk::tool;
    prepare_standard_streams();
    try {
        command program(
            "slk",
            "slk keeps links up, accepts them, shows how they heal, and sends messages over them.");
        program.version(version_text());
        add_link_command(program);
        add_listen_command(program);
        add_send_command(program);
        add_receive_command(program);
        add_proxy_command(program);
        add_request_command(program);
        add_reply_command(program);
        add_demo_command(program, argv[0]);
        add_bench_command(program, argv[0]);
        add_simulate_command(program);
        add_keygen_command(program);
        add_version_command(program);
        program.footer("Examples:\n"
                       "  slk demo\n"
                       "  slk link tcp://192.0.2.1:5432\n"
                       "  slk listen --echo tcp://127.0.0.1:7000\n"
                       "  slk receive pull --bind tcp://127.0.0.1:5555\n"
                       "  slk send push --connect tcp://127.0.0.1:5555 hello\n"
                       "  slk proxy tcp://127.0.0.1:5555 tcp://127.0.0.1:5556\n"
                       "  slk reply --bind tcp://127.0.0.1:5556\n"
                       "  slk request --connect tcp://127.0.0.1:5556 hello\n"
                       "  slk bench\n"
                       "  slk simulate herd\n"
                       "`slk COMMAND --help` shows the options of a command.\n"
                       "Exit codes: 0 ok, 1 stopped by a policy or a failure, 2 wrong usage.");
        return program.run(argc, argv);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "slk: %s\n", failure.what());
        return exit_failed;
    }
}
