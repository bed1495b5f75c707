// SPDX-License-Identifier: MPL-2.0
#include "roles.hpp"

#include "measurement.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

namespace bench {

namespace {

/// Ends this process with its parent, and in any case once all deadlines have passed.
void bind_life_to(const arguments& wanted)
{
    if (wanted.parent == 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != wanted.parent)
        give_up(wanted.role, "its parent has gone");
    alarm(static_cast<unsigned>(max_measurement(wanted.seconds)) + 5);
}

void tell_bound(const std::string& endpoint)
{
    std::printf("bound %s\n", endpoint.c_str());
    std::fflush(stdout);
}

/// How much processor time this process has used is asked before it ends.
[[noreturn]] void finish(const arguments& wanted)
{
    while (wanted.parent != 0)
        pause();
    // Threads of the library may be at work: no destructors.
    std::_Exit(0);
}

[[noreturn]] void receive_from_a_thread(library& used, const traffic& what, const arguments& wanted)
{
    const std::unique_ptr<side> receiver = used.open(part::receiver, what);
    const std::unique_ptr<side> sender = used.open(part::sender, what);
    sender->connect(receiver->bind(wanted.endpoint));
    std::thread([&] { sender->send(); }).detach();
    stream_meter meter(what.size, wanted.seconds);
    receiver->receive(meter);
    finish(wanted);
}

} // namespace

int play_role(const arguments& wanted)
{
    bind_life_to(wanted);
    if (wanted.works.size() != 1 || wanted.contenders.size() != 1 ||
        wanted.contenders.front()->start == nullptr)
        give_up(wanted.role, "needs one work and one contender that is there");
    const work& chosen = *wanted.works.front();
    const traffic what{chosen.kind, chosen.size, wanted.high_water_mark};
    const std::unique_ptr<library> used = wanted.contenders.front()->start();
    const std::string endpoint = wanted.endpoint.empty() ? "tcp://127.0.0.1:*" : wanted.endpoint;

    if (wanted.role == "both")
        receive_from_a_thread(*used, what, wanted);
    if (wanted.role == "receiver") {
        const std::unique_ptr<side> receiver = used->open(part::receiver, what);
        tell_bound(receiver->bind(endpoint));
        stream_meter meter(what.size, wanted.seconds);
        receiver->receive(meter);
        finish(wanted);
    }
    if (wanted.role == "sender") {
        const std::unique_ptr<side> sender = used->open(part::sender, what);
        sender->connect(endpoint);
        sender->send();
    }
    if (wanted.role == "server") {
        const std::unique_ptr<side> server = used->open(part::server, what);
        tell_bound(server->bind(endpoint));
        server->answer();
        finish(wanted);
    }
    if (wanted.role == "client") {
        const std::unique_ptr<side> client = used->open(part::client, what);
        client->connect(endpoint);
        round_trip_meter meter(wanted.seconds);
        client->ask(meter);
        finish(wanted);
    }
    give_up(wanted.role, "there is no such role");
}

} // namespace bench
