// SPDX-License-Identifier: MPL-2.0
// Sends one message to itself, by a socket that connects to one that listens.
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

static slk::result<slk::close_report> greet()
{
    SLK_TRY(auto in, slk::context::create());
    SLK_TRY(auto pull, slk::pull::create(in));
    SLK_TRY(const auto where, pull.bind("tcp://127.0.0.1:0")); // any free port

    SLK_TRY(auto push, slk::push::create(in));
    SLK_TRY(push.connect(where)); // returns at once; the other side may come later
    SLK_TRY(push.send("hello"));  // is queued now, until there is a connection

    slk::message next;
    SLK_TRY(pull.receive(next, 5s));
    std::printf("%.*s\n", static_cast<int>(next.size()), next.text().data());
    return push.close(1s); // tells what was sent, what was not, and what may not have been read
}

int main()
{
    const auto left = greet();
    if (!left)
        std::fprintf(stderr, "%s\n", slk::to_string(left.error()).c_str());
    return left && left->unsent() == 0 ? 0 : 1;
}
