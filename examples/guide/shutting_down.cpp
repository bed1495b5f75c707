// SPDX-License-Identifier: MPL-2.0
// The end of a program: a receiver is told to stop, and a sender waits until its messages were
// read.
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

using namespace std::chrono_literals;

static slk::result<void> run()
{
    SLK_TRY(auto in, slk::context::create());
    SLK_TRY(auto pull, slk::pull::create(in));
    SLK_TRY(const std::string where, pull.bind("tcp://127.0.0.1:0"));

    // part: receiver
    int received = 0;
    std::jthread receiver([&](const std::stop_token& stop) {
        slk::message next;
        while (pull.receive(next, stop)) // errc::cancelled when a stop is requested
            ++received;
    });
    // end

    // part: sender
    SLK_TRY(auto push, slk::push::create(in));
    SLK_TRY(push.connect(where));
    for (int number = 0; number < 1000; ++number)
        SLK_TRY(push.send("work"));
    const slk::close_report left = push.close(30s); // waits until the peer has read all of them
    std::printf("not sent: %d, perhaps not read: %d\n", static_cast<int>(left.unsent()),
                static_cast<int>(left.unconfirmed()));
    // end

    // part: nobody
    // Nobody listens there: the time passes, and the report says what is left.
    SLK_TRY(auto other, slk::push::create(in));
    SLK_TRY(other.connect("inproc://nobody"));
    SLK_TRY(other.send("in vain"));
    std::printf("not sent: %d\n", static_cast<int>(other.close(10ms).unsent()));
    // end

    // The messages are in the receiver's hands when it has counted them.
    while (pull.counters().received < 1000)
        std::this_thread::yield();
    receiver.request_stop();
    receiver.join();
    std::printf("received: %d\n", received);
    return {};
}

int main()
{
    const auto ran = run();
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
