// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
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
        add_top_command(program);
        add_demo_command(program, argv[0]);
        add_bench_command(program, argv[0]);
        add_simulate_command(program);
        add_keygen_command(program);
        add_version_command(program);
        add_completion_command(program);
        add_help_command(program);
        program.footer("`slk help COMMAND` shows the options of a command.");
        program.example("slk demo");
        program.example("slk link tcp://192.0.2.1:5432");
        program.example("slk listen --echo tcp://127.0.0.1:7000");
        program.example("slk receive pull --bind tcp://127.0.0.1:5555");
        program.example("slk send push --connect tcp://127.0.0.1:5555 hello");
        program.example("slk proxy tcp://127.0.0.1:5555 tcp://127.0.0.1:5556");
        program.example("slk reply --bind tcp://127.0.0.1:5556");
        program.example("slk request --connect tcp://127.0.0.1:5556 hello");
        program.example("slk top 127.0.0.1:9464");
        program.example("slk bench");
        program.example("slk simulate herd");
        for (const page_exit_code& each : exit_code_table())
            program.exit_code(each.code, each.meaning);
        return program.run(argc, argv);
    } catch (const std::exception& failure) {
        report(failure.what());
        return exit_failed;
    }
}
