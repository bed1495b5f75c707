// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"
#include "linux/interpose.hpp"
#include "support/forked.hpp"

#include <fstream>
#include <set>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace slk;
using namespace slk::contract;
using namespace slk::linux_tests;

namespace {

std::set<int> open_descriptors()
{
    std::set<int> found;
    DIR* const folder = ::opendir("/proc/self/fd");
    REQUIRE(folder != nullptr);
    while (const dirent* const each = ::readdir(folder))
        if (each->d_name[0] != '.' && std::atoi(each->d_name) != ::dirfd(folder))
            found.insert(std::atoi(each->d_name));
    ::closedir(folder);
    return found;
}

std::string link_of(int fd)
{
    char text[256] = {};
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    return ::readlink(path.c_str(), text, sizeof text - 1) > 0 ? text : "";
}

/// The number of descriptors that are registered with the epolls of this process.
int registrations()
{
    int count = 0;
    for (const int fd : open_descriptors()) {
        if (link_of(fd) != "anon_inode:[eventpoll]")
            continue;
        std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
        for (std::string line; std::getline(info, line);)
            count += line.starts_with("tfd:") ? 1 : 0;
    }
    return count;
}

/// A child process that holds copies of all descriptors until it is ended.
class sleeping_child {
public:
    explicit sleeping_child(bool executes = false)
    {
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            if (executes)
                ::execl("/bin/sleep", "sleep", "30", static_cast<char*>(nullptr));
            for (;;)
                ::pause();
        }
    }
    ~sleeping_child()
    {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    sleeping_child(const sleeping_child&) = delete;
    sleeping_child& operator=(const sleeping_child&) = delete;

private:
    pid_t pid_ = -1;
};

class descriptor_limit {
public:
    explicit descriptor_limit(rlim_t most)
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit lowered = before_;
        lowered.rlim_cur = most;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
    }
    ~descriptor_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    descriptor_limit(const descriptor_limit&) = delete;
    descriptor_limit& operator=(const descriptor_limit&) = delete;

private:
    rlimit before_{};
};

} // namespace

SLK_BACKEND_TEST("C12: no descriptor of a poller reaches a program that a child executes")
{
    const std::set<int> before = open_descriptors();
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    (void)loop.connect_pair(listener);
    std::size_t fresh = 0;
    for (const int fd : open_descriptors()) {
        if (before.contains(fd))
            continue;
        ++fresh;
        CAPTURE(link_of(fd));
        CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(fresh >= 5); // the wait's and the wake's, the reserve, the listener and two ends

    // The port can be taken again while the child's program runs.
    const address local = loop.address_of(listener);
    const sleeping_child child(true);
    for (int tries = 0; tries < 200; ++tries) { // until the child has executed the program
        loop->close(listener);
        auto again = loop->open_listener(local, {});
        if (again) {
            CHECK(again.has_value());
            return;
        }
        ::usleep(10000);
    }
    FAIL("the port stays taken while the child lives");
}

SLK_BACKEND_TEST("C12: nothing stays open after the end of a poller")
{
    const std::set<int> before = open_descriptors();
    {
        rig loop(backend);
        const io::socket_id listener = loop.listen();
        for (int round = 0; round < 20; ++round)
            (void)loop.connect_pair(listener);
        accept_op accepting;
        loop.accept(accepting, listener);
        loop.end();
    }
    CHECK(open_descriptors() == before);
}

SLK_BACKEND_TEST("E5: a closed socket is no longer registered while a child has a copy of it")
{
    rig loop(backend);
    const int before = registrations();
    const io::socket_id listener = loop.listen();
    const socket_pair link = loop.connect_pair(listener);
    receive_op receiving;
    std::array<std::byte, 8> buffer;
    loop.receive(receiving, link.client, buffer);
    loop.turns(1);
    if (backend == "epoll")
        CHECK(registrations() == before + 2); // the listener and the client
    {
        const sleeping_child child;
        loop->close(link.client);
        loop->close(listener);
        REQUIRE(loop.finish(receiving));
        CHECK(receiving.failure == errc::cancelled);
        CHECK(registrations() == before);
        // The child keeps the connection up, and the poller gets no events of it.
        for (int round = 0; round < 5; ++round) {
            REQUIRE(loop.send_all(link.server, pattern(10)));
            loop.turns(1);
        }
        reset_counts();
        CHECK(loop.turn(30ms).has_value());
        // A late acknowledgement may end one or two waits; a spin makes thousands.
        CHECK(count_of(call::wait) < 10);
    }
}

SLK_BACKEND_TEST("E5: a child that only inherits a poller and ends does not disturb it")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    receive_op receiving;
    std::array<std::byte, 8> buffer;
    loop.receive(receiving, link.server, buffer);
    loop.turns(1);
    {
        const sleeping_child child;
    }
    loop->wake();
    REQUIRE(loop.send_all(link.client, pattern(8)));
    REQUIRE(loop.finish(receiving));
    CHECK(receiving.transferred == 8);
}

SLK_BACKEND_TEST("E6: without descriptors an accept fails once, nothing spins, and it recovers")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const address target = loop.address_of(listener);
    const io::socket_id first = loop.open();
    const io::socket_id second = loop.open();
    connect_op connecting[2];
    loop.connect(connecting[0], first, target);
    loop.connect(connecting[1], second, target);
    REQUIRE(loop.run_until([&] { return connecting[0].done() && connecting[1].done(); }));

    accept_op accepting;
    {
        const descriptor_limit full(static_cast<rlim_t>(*open_descriptors().rbegin()) + 1);
        // Fill the holes below the limit.
        std::vector<int> fillers;
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0))
            fillers.push_back(fd);
        loop.accept(accepting, listener);
        REQUIRE(loop.finish(accepting));
        CHECK(accepting.failure == errc::too_many_descriptors);
        reset_counts();
        CHECK(loop.turn(50ms).has_value());
        CHECK(count_of(call::wait) <= 10); // a spin has thousands
        CHECK(count_of(call::accept4) == 0);

        // The reserve lets it reset the first of them instead of leaving it waiting.
        CHECK(loop->shed(listener, 1) == 1);
        std::array<std::byte, 4> buffer;
        receive_op receiving;
        loop.receive(receiving, first, buffer);
        REQUIRE(loop.finish(receiving));
        CHECK(receiving.failure == errc::connection_reset);
        loop.accept(accepting, listener);
        REQUIRE(loop.finish(accepting));
        CHECK(accepting.failure == errc::too_many_descriptors); // the reserve is back
        for (const int fd : fillers)
            ::close(fd);
    }
    loop.accept(accepting, listener);
    REQUIRE(loop.finish(accepting));
    CHECK(accepting.failure == errc::ok);
    CHECK(*loop->peer_address(accepting.accepted) == loop.address_of(second));
    CHECK(loop->shed(listener, 10) == 0);
}

SLK_BACKEND_TEST("E20: a descriptor that was replaced outside of the library is registered again")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const socket_pair link = loop.connect_pair(listener);
    receive_op receiving;
    std::array<std::byte, 8> buffer;
    loop.receive(receiving, link.client, buffer);
    loop.turns(1);

    // A dup2 replaces the client's descriptor: the registration of the old one is gone, and a later
    // use of the number finds the table's state.
    const int fd = static_cast<int>(loop->handle_of(link.client));
    const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::dup2(other, fd) == fd);
    ::close(other);
    loop->close(link.client);
    REQUIRE(loop.finish(receiving));
    CHECK(receiving.failure == errc::cancelled);

    // An existing registration is replaced.
    const io::socket_id client = loop.open();
    connect_op connecting;
    {
        injection fault(call::epoll_ctl, EEXIST);
        fault.after_the_call();
        loop.connect(connecting, client, loop.address_of(listener));
    }
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.failure == errc::ok);
}

SLK_BACKEND_TEST("E9: a signal every millisecond disturbs neither connects nor timers")
{
    struct sigaction action{};
    struct sigaction before{};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, &before); // without SA_RESTART
    const itimerval every{{0, 1000}, {0, 1000}};
    ::setitimer(ITIMER_REAL, &every, nullptr);
    {
        rig loop(backend);
        const io::socket_id listener = loop.listen();
        for (int round = 0; round < 200; ++round) {
            const socket_pair link = loop.connect_pair(listener);
            loop->close(link.client, io::close_mode::reset);
            loop->close(link.server, io::close_mode::reset);
        }
        for (int round = 0; round < 5; ++round) {
            tracked_timer timer;
            const time_point deadline = after(loop->refresh_now(), 15ms);
            loop->arm(timer, deadline);
            CHECK(loop->turn(never).has_value());
            const time_point end = system_clock_source().now();
            CHECK(end >= deadline);
            CHECK(end - deadline < 1s); // only ends a hang
            loop.run_until([&] { return timer.firings == 1; });
        }
    }
    const itimerval none{};
    ::setitimer(ITIMER_REAL, &none, nullptr);
    ::sigaction(SIGALRM, &before, nullptr);
}

SLK_BACKEND_TEST("E1: urgent data in the middle of a stream does not stop it")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    receive_op receiving;
    std::array<std::byte, 100> buffer;
    loop.receive(receiving, link.server, buffer); // so that the socket is being watched
    loop.turns(1);
    const int fd = static_cast<int>(loop->handle_of(link.client));
    const auto bytes = pattern(10);
    REQUIRE(::send(fd, bytes.data(), 10, MSG_NOSIGNAL) == 10);
    REQUIRE(::send(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1);
    REQUIRE(::send(fd, bytes.data(), 10, MSG_NOSIGNAL) == 10);
    REQUIRE(loop.finish(receiving));
    std::size_t total = receiving.transferred;
    while (total < 20) {
        loop.receive(receiving, link.server, buffer);
        REQUIRE(loop.finish(receiving));
        REQUIRE(!receiving.failure);
        total += receiving.transferred;
    }
    CHECK(total == 20);
}

SLK_BACKEND_TEST("a child submits and delivers nothing, and the parent receives what it would have")
{
    rig loop(backend);
    const socket_pair ends = loop.connect_pair(loop.listen());
    const char one = 'x';
    REQUIRE(::send(static_cast<int>(loop->handle_of(ends.client)), &one, 1, 0) == 1);
    std::byte buffer[1];
    const int code = testing::in_a_child([&] {
        auto* const op = new receive_op; // it never ends
        loop.receive(*op, ends.server, buffer);
        const bool refused = op->failure == errc::forked;
        (void)loop.turn(10ms);
        return refused && op->completions == 0 ? 0 : 1;
    });
    CHECK(code == 0);
    receive_op op;
    loop.receive(op, ends.server, buffer);
    REQUIRE(loop.run_until([&] { return op.done(); }));
    CHECK_FALSE(op.failure);
    CHECK(op.transferred == 1);
}
