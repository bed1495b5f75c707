// SPDX-License-Identifier: MPL-2.0

// A program that uses serverlink-http: a page about a context, which answers a request.
#include <serverlink/http.hpp>
#include <serverlink/serverlink.hpp>

#include <array>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

constexpr std::string_view request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

slk::result<std::string> first_line_of_metrics()
{
    std::array<std::byte, 256> buffer{};
    std::string answer;
    slk::stream stream;
    SLK_TRY(auto context, slk::context::create());
    SLK_TRY(auto page, slk::http_server::create(context));
    std::cout << page.url() << '\n';

    SLK_TRY(auto loop, slk::loop::create());
    slk::link_options connect;
    SLK_TRY(connect.to, slk::endpoint::parse("tcp://" + to_string(page.address())));
    slk::link_handlers client;
    client.connected = [&](slk::stream connected) {
        stream = std::move(connected);
        (void)stream.send(std::as_bytes(std::span(request)), {});
        (void)stream.receive(buffer, [&](slk::result<std::size_t> count) {
            answer.assign(reinterpret_cast<const char*>(buffer.data()), count.value_or(0));
        });
    };
    SLK_TRY(auto link, slk::link::create(loop, connect, client));
    link.start();
    SLK_TRY(loop.run_until([&] { return !answer.empty(); }, 10s));
    return answer.substr(0, answer.find('\r'));
}

} // namespace

int main()
{
    const auto line = first_line_of_metrics();
    if (!line || *line != "HTTP/1.1 200 OK") {
        std::cerr << "no answer: " << (line ? *line : to_string(line.error())) << '\n';
        return 1;
    }
    return 0;
}
