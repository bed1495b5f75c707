// SPDX-License-Identifier: MPL-2.0
#include "http_get.hpp"

#include "options.hpp"

#include <serverlink/link.hpp>
#include <serverlink/timer.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace slk::tool {

namespace {

/// No page of a process is larger.
constexpr std::size_t max_answer = std::size_t{64} * 1024 * 1024;
constexpr duration give_up_check_interval = std::chrono::milliseconds(20);

/// Its running operations keep it alive.
struct exchange : std::enable_shared_from_this<exchange> {
    stream with;
    std::string request;
    std::string answer;
    std::array<std::byte, std::size_t{64} * 1024> buffer{};
    std::optional<result<void>> outcome;

    void end(result<void> how)
    {
        if (!outcome)
            outcome = std::move(how);
    }

    void begin(stream established)
    {
        with = std::move(established);
        const auto begun = with.send(std::as_bytes(std::span(request)),
                                     [self = shared_from_this()](const result<std::size_t>& sent) {
                                         if (sent)
                                             self->receive();
                                         else
                                             self->end(fail(sent.error()));
                                     });
        if (!begun)
            end(begun);
    }

    void receive()
    {
        const auto begun =
            with.receive(buffer, [self = shared_from_this()](const result<std::size_t>& count) {
                if (!count)
                    return self->end(fail(count.error()));
                if (*count == 0)
                    return self->end({});
                self->answer.append(reinterpret_cast<const char*>(self->buffer.data()), *count);
                if (self->answer.size() > max_answer)
                    return self->end(fail(errc::message_too_large, phase::transfer));
                self->receive();
            });
        if (!begun)
            end(begun);
    }
};

} // namespace

endpoint parse_page(const std::string& text)
{
    std::string where = text;
    const std::string scheme = "http://";
    if (where.starts_with(scheme))
        where = where.substr(scheme.size(), where.find('/', scheme.size()) - scheme.size());
    if (where.find("://") == std::string::npos)
        where = "tcp://" + where;
    return parse_endpoint(where);
}

result<std::string> http_get(loop& on, const endpoint& at, const std::string& path,
                             duration timeout, const std::function<bool()>& give_up)
{
    const auto talk = std::make_shared<exchange>();
    const bool is_ipv6 = at.host.find(':') != std::string::npos;
    talk->request = "GET " + path + " HTTP/1.1\r\nHost: " + (is_ipv6 ? "[" : "") + at.host +
                    (is_ipv6 ? "]:" : ":") + std::to_string(at.port) +
                    "\r\nConnection: close\r\n\r\n";
    link_options options;
    options.to = at;
    options.reconnect.base = reconnect_never;
    link_handlers handlers;
    handlers.connected = [talk](stream established) { talk->begin(std::move(established)); };
    handlers.state_changed = [talk](const link_transition& move, const link_status& status) {
        if (move.to == link_state::idle)
            talk->end(fail(status.last_error));
    };
    SLK_TRY(auto to, link::create(on, options, std::move(handlers)));
    // The condition is asked after each turn of the loop.
    SLK_TRY(const auto turns, on.call_every(give_up_check_interval, [] {}));
    to.start();
    bool given_up = false;
    SLK_TRY(const bool ended, on.run_until(
                                  [&] {
                                      given_up = given_up || give_up();
                                      return given_up || talk->outcome.has_value();
                                  },
                                  timeout));
    talk->with.close();
    if (given_up)
        return fail(errc::cancelled, phase::transfer);
    if (!ended)
        return fail(errc::timed_out, phase::transfer);
    SLK_TRY(*talk->outcome);
    const std::size_t body = talk->answer.find("\r\n\r\n");
    if (!talk->answer.starts_with("HTTP/1.") || talk->answer.substr(8, 5) != " 200 " ||
        body == std::string::npos)
        return fail(errc::protocol_error, phase::transfer, "there is no page of serverlink");
    return talk->answer.substr(body + 4);
}

} // namespace slk::tool
