// SPDX-License-Identifier: MPL-2.0
// Keeps a connection up, prints what it does and what arrives: keep_a_link tcp://HOST:PORT
#include <serverlink/serverlink.hpp>

#include <array>
#include <cstdio>

int main(int count, char** words)
{
    const auto target = slk::endpoint::parse(count > 1 ? words[1] : "tcp://127.0.0.1:5555");
    std::array<std::byte, 4096> buffer;
    slk::stream stream;
    std::function<void()> read = [&] {
        (void)stream.receive(buffer, [&](slk::result<std::size_t> got) {
            if (!got || *got == 0)
                return stream.close(); // the link is lost, and will heal
            std::fwrite(buffer.data(), 1, *got, stdout);
            read();
        });
    };
    auto loop = slk::loop::create(); // after what its callbacks use
    if (!target || !loop)
        return 1;

    slk::link_handlers on;
    on.state_changed = [from = loop->now()](const auto& move, const slk::link_status&) {
        std::puts(slk::to_string(move, from).c_str());
    };
    on.connected = [&](slk::stream connected) {
        stream = std::move(connected);
        read();
    };
    auto link = slk::link::create(*loop, {.to = *target}, on);
    if (!link)
        return 1;
    link->start();
    return loop->run() ? 0 : 1;
}
