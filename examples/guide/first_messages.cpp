// SPDX-License-Identifier: MPL-2.0
// A message of two parts from a PUSH to a PULL, and a request to a server on another thread.
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

using namespace std::chrono_literals;

// part: messages
static slk::result<void> push_and_pull(slk::context& in)
{
    SLK_TRY(auto pull, slk::pull::create(in));
    SLK_TRY(const std::string where, pull.bind("tcp://127.0.0.1:0")); // any free port

    SLK_TRY(auto push, slk::push::create(in));
    SLK_TRY(push.connect(where)); // returns at once, whether the other side is there or not
    slk::multipart order;
    SLK_TRY(order.add("coffee"));
    SLK_TRY(order.add("two cups"));
    SLK_TRY(push.send(std::move(order))); // all parts travel together, or none does

    slk::multipart received;
    SLK_TRY(pull.receive(received, 30s));
    for (const slk::message& part : received)
        std::printf("%.*s\n", static_cast<int>(part.size()), part.text().data());
    return {};
}
// end

// part: requests
static slk::result<void> ask(slk::context& in)
{
    SLK_TRY(auto server, slk::server::create(in));
    SLK_TRY(const std::string where, server.bind("tcp://127.0.0.1:0"));
    std::jthread serves([server = std::move(server)](const std::stop_token& stop) mutable {
        while (auto request = server.receive(stop)) { // ends with an error when a stop is requested
            const slk::message& name = request->parts()[0];
            (void)request->reply("hello, " + std::string(name.text()));
        }
    });

    SLK_TRY(auto client, slk::client::create(in));
    SLK_TRY(client.connect(where));
    SLK_TRY(const slk::multipart reply, client.request("world", {.timeout = 30s}));
    std::printf("%.*s\n", static_cast<int>(reply[0].size()), reply[0].text().data());
    return {};
}
// end

int main()
{
    auto context = slk::context::create();
    auto ran = context ? push_and_pull(*context) : slk::fail(context.error());
    if (ran)
        ran = ask(*context);
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
