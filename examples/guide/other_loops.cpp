// SPDX-License-Identifier: MPL-2.0
// A socket in a loop of poll(2), beside another descriptor.
#include <serverlink/serverlink.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <poll.h>
#include <string>
#include <unistd.h>

using namespace std::chrono_literals;

static slk::result<void> run()
{
    SLK_TRY(auto in, slk::context::create());
    SLK_TRY(auto pull, slk::pull::create(in));
    SLK_TRY(const std::string where, pull.bind("tcp://127.0.0.1:0"));
    SLK_TRY(auto push, slk::push::create(in));
    SLK_TRY(push.connect(where));
    SLK_TRY(push.send("a message"));

    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], "x", 1) != 1)
        return slk::fail(slk::errc::unknown, slk::phase::setup);

    // part: poll
    SLK_TRY(const std::intptr_t handle, pull.event_handle()); // stays the socket's
    std::array<pollfd, 2> watched{pollfd{static_cast<int>(handle), POLLIN, 0},
                                  pollfd{ends[0], POLLIN, 0}};
    int events = 0;
    while (events < 2) {
        if (poll(watched.data(), watched.size(), 30000) <= 0)
            return slk::fail(slk::errc::timed_out, slk::phase::transfer);
        if (watched[0].revents != 0) {
            // The descriptor says that there may be something: receive until there is nothing.
            slk::message next;
            while (pull.receive(next, slk::no_wait)) {
                std::printf("%.*s\n", static_cast<int>(next.size()), next.text().data());
                ++events;
            }
        }
        if (watched[1].revents != 0) {
            char byte = 0;
            if (read(ends[0], &byte, 1) == 1)
                ++events;
            watched[1].fd = -1; // once is enough here
        }
    }
    // end

    // part: wait
    SLK_TRY(push.send("another one"));
    std::array<slk::wait_item, 2> items{slk::wait_item{.on = &pull},
                                        slk::wait_item{.descriptor = ends[0]}};
    SLK_TRY(slk::wait(items, 30s)); // until at least one of them has something to do
    if (items[0].readable) {
        slk::message next;
        SLK_TRY(pull.receive(next)); // does not wait
        std::printf("%.*s\n", static_cast<int>(next.size()), next.text().data());
    }
    // end
    close(ends[0]);
    close(ends[1]);
    return {};
}

int main()
{
    const auto ran = run();
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
