// SPDX-License-Identifier: MPL-2.0
// Sends back whatever arrives: echo_server tcp://*:PORT
#include <serverlink/serverlink.hpp>

#include <array>
#include <cstdio>
#include <memory>

namespace {

/// One client. The handlers of running operations keep it alive.
struct client : std::enable_shared_from_this<client> {
    explicit client(slk::stream accepted) : stream(std::move(accepted)) {}

    void read()
    {
        (void)stream.receive(buffer, [self = shared_from_this()](slk::result<std::size_t> got) {
            if (got && *got > 0)
                self->write(*got);
        });
    }

    void write(std::size_t size)
    {
        (void)stream.send(std::span(buffer).first(size),
                          [self = shared_from_this()](slk::result<std::size_t> sent) {
                              if (sent)
                                  self->read();
                          });
    }

    slk::stream stream;
    std::array<std::byte, 4096> buffer;
};

} // namespace

int main(int count, char** words)
{
    const auto where = slk::endpoint::parse(count > 1 ? words[1] : "tcp://*:5555");
    auto loop = slk::loop::create();
    if (!where || !loop)
        return 1;

    slk::listener_options options;
    options.at = *where;
    slk::listener_handlers on;
    on.accepted = [](slk::stream accepted) {
        // Not make_shared, which does not link statically with GCC 12 for Windows in C++23.
        const std::shared_ptr<client> fresh(new client(std::move(accepted)));
        fresh->read();
    };
    on.failed = [](const slk::error& failure) { std::puts(slk::to_string(failure).c_str()); };
    auto listener = slk::listener::create(*loop, options, on);
    if (!listener) {
        std::puts(slk::to_string(listener.error()).c_str());
        return 1;
    }
    std::printf("listening on %s\n", slk::to_string(listener->local_address()).c_str());
    return loop->run() ? 0 : 1;
}
