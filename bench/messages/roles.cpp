// SPDX-License-Identifier: MPL-2.0
#include "roles.hpp"

#include "measurement.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <thread>

namespace bench {

namespace {

/// Ends this process with its parent, and in any case once all deadlines have passed.
void end_with_parent(const arguments& options)
{
    if (options.parent == 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != options.parent)
        give_up(options.role, "its parent has ended");
    alarm(static_cast<unsigned>(max_measurement(options.seconds)) + 5);
}

/// A thousand sockets have more descriptors than a process may have by default.
void allow_many_descriptors()
{
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void report_bound(const std::string& endpoint)
{
    std::printf("bound %s\n", endpoint.c_str());
    std::fflush(stdout);
}

/// The parent reads the processor time of this process before it kills it.
[[noreturn]] void finish(const arguments& options)
{
    while (options.parent != 0)
        pause();
    // Threads of the library may still run: no destructors.
    std::_Exit(0);
}

[[noreturn]] void receive_from_thread(library& used, const traffic& what, const arguments& options)
{
    const std::unique_ptr<side> receiver = used.open(role::receiver, what);
    const std::unique_ptr<side> sender = used.open(role::sender, what);
    sender->connect(receiver->bind(options.endpoint));
    std::thread([&] { sender->send(); }).detach();
    stream_meter meter(what.size, options.seconds);
    receiver->receive(meter);
    finish(options);
}

} // namespace

int play_role(const arguments& options)
{
    end_with_parent(options);
    allow_many_descriptors();
    if (options.works.size() != 1 || options.contenders.size() != 1 ||
        options.contenders.front()->start == nullptr)
        give_up(options.role, "needs one work (--only) and one installed --contender");
    const work& chosen = *options.works.front();
    const traffic what{chosen.kind,  chosen.size,   options.high_water_mark,
                       chosen.count, chosen.nested, chosen.curve};
    const std::unique_ptr<library> used = options.contenders.front()->start();
    const std::string endpoint = options.endpoint.empty() ? "tcp://127.0.0.1:*" : options.endpoint;

    if (options.role == "both")
        receive_from_thread(*used, what, options);
    if (options.role == "receiver") {
        const std::unique_ptr<side> receiver = used->open(role::receiver, what);
        if (has_proxy(chosen.kind))
            receiver->connect(endpoint);
        else
            report_bound(receiver->bind(endpoint));
        stream_meter meter(what.size, options.seconds);
        receiver->receive(meter);
        finish(options);
    }
    if (options.role == "sender") {
        const std::unique_ptr<side> sender = used->open(role::sender, what);
        sender->connect(endpoint);
        sender->send();
    }
    if (options.role == "server") {
        const std::unique_ptr<side> server = used->open(role::server, what);
        report_bound(server->bind(endpoint));
        server->reply();
        finish(options);
    }
    if (options.role == "publisher") {
        const std::unique_ptr<side> publisher = used->open(role::publisher, what);
        report_bound(publisher->bind(endpoint));
        publisher->send();
        finish(options);
    }
    if (options.role == "subscribers") {
        const std::unique_ptr<side> subscribers = used->open(role::subscribers, what);
        subscribers->connect(endpoint);
        stream_meter meter(what.size, options.seconds);
        subscribers->receive(meter);
        finish(options);
    }
    if (options.role == "proxy") {
        const std::unique_ptr<side> proxy = used->open(role::proxy, what);
        report_bound(proxy->bind(endpoint));
        proxy->forward();
        finish(options);
    }
    if (options.role == "client" && has_askers(chosen.kind)) {
        const std::unique_ptr<side> clients = used->open(role::client, what);
        clients->connect(endpoint);
        stream_meter meter(what.size, options.seconds);
        clients->request_all(meter);
        finish(options);
    }
    if (options.role == "client") {
        const std::unique_ptr<side> client = used->open(role::client, what);
        client->connect(endpoint);
        round_trip_meter meter(options.seconds);
        client->request(meter);
        finish(options);
    }
    give_up(options.role, "there is no such role");
}

} // namespace bench
