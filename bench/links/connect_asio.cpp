// SPDX-License-Identifier: MPL-2.0
#include "contenders.hpp"
#include "stopwatch.hpp"

#include <asio.hpp>

#include <deque>

namespace bench {

namespace {

using asio::ip::tcp;

struct asio_connecter {
    tcp::socket socket;
    const tcp::endpoint target;
    const connect_work& work;
    std::uint64_t& begun;
    std::uint64_t& failures;

    void begin()
    {
        if (begun == work.connects)
            return;
        ++begun;
        socket.open(tcp::v4());
        socket.async_connect(target, [this](const asio::error_code& failure) {
            failures += failure ? 1 : 0;
            asio::error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            socket.set_option(tcp::socket::linger(true, 0), ignored);
            socket.close(ignored);
            begin();
        });
    }
};

} // namespace

connect_outcome connect_with_asio(const connect_work& work)
{
    asio::io_context context(1);
    std::uint64_t begun = 0;
    std::uint64_t failures = 0;
    std::deque<asio_connecter> connecters;
    const tcp::endpoint target(asio::ip::address_v4::loopback(), work.port);
    for (unsigned i = 0; i < work.in_flight; ++i)
        connecters.emplace_back(tcp::socket(context), target, work, begun, failures);

    const stopwatch watch;
    for (asio_connecter& each : connecters)
        each.begin();
    context.run();
    return watch.stop(failures);
}

} // namespace bench
