// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/zap_request.hpp"

#include "base/try_allocate.hpp"
#include "io/os/credentials.hpp"
#include "messaging/context/context_core.hpp"
#include "zmtp/metadata.hpp"

#include <array>
#include <charconv>
#include <new>
#include <optional>
#include <string>
#include <utility>

namespace slk::messaging {

namespace {

constexpr std::string_view version = "1.0";
/// Each request has a pipe of its own, so one number is enough.
constexpr std::string_view request_id = "1";

constexpr error handler_gone{errc::broken_pipe, phase::handshake, 0,
                             "the ZAP handler has gone without an answer"};

constexpr error no_memory_to_ask{errc::out_of_memory, phase::handshake};

unexpected fault(zap_fault which, const char* detail) noexcept
{
    return fail(
        error{errc::protocol_error, phase::handshake, static_cast<std::int32_t>(which), detail});
}

/// The address without a port, as libzmq writes it. Empty when memory is exhausted.
std::string without_port(const address& peer)
{
    if (peer.family == address_family::local)
        return "localhost";
    std::string text = to_string(peer);
    if (const auto port = text.rfind(':'); port != std::string::npos)
        text.erase(port);
    if (text.starts_with('[')) {
        text.erase(0, 1);
        text.pop_back();
    }
    return text;
}

std::optional<authentication_status> status_of(std::string_view digits) noexcept
{
    if (digits == "200")
        return authentication_status::accepted;
    if (digits == "300")
        return authentication_status::try_again;
    if (digits == "400")
        return authentication_status::refused;
    if (digits == "500")
        return authentication_status::failed;
    return std::nullopt;
}

/// By ipc libzmq appends the user, the group and the process. Returns false when memory is
/// exhausted.
bool add_local_peer(std::string& host, const zap_question& question) noexcept
{
    if (question.peer.family != address_family::local)
        return true;
    const auto known = io::os::peer_credentials(question.handle);
    if (!known)
        return true;
    for (const std::uint32_t number : {known->user, known->group, known->process.value_or(0)}) {
        std::array<char, 16> digits{':'};
        const char* const end =
            std::to_chars(digits.data() + 1, digits.data() + digits.size(), number).ptr;
        if (!try_append(host, std::string_view(digits.data(), end)))
            return false;
    }
    return true;
}

result<void> read_metadata(std::span<const std::byte> from, std::vector<socket_property>& into)
{
    zmtp::metadata_reader properties(from);
    for (;;) {
        const auto next = properties.next();
        if (!next || (*next && (*next)->name.empty()))
            return fault(zap_fault::invalid_metadata, "the ZAP reply's metadata is malformed");
        if (!*next)
            return {};
        socket_property made;
        if (!try_assign(made.name, (*next)->name) || !try_assign(made.value, (*next)->value) ||
            !try_push_back(into, std::move(made)))
            return fail(no_memory_to_ask);
    }
}

} // namespace

result<authentication_answer> parse_zap_reply(std::span<const message> parts)
{
    // Delimiter, version, request id, status, text, user id, metadata.
    if (parts.size() != 7)
        return fault(zap_fault::malformed_reply, "the ZAP reply does not have seven parts");
    if (!parts[0].empty())
        return fault(zap_fault::unspecified, "the ZAP reply does not begin with an empty part");
    if (parts[1].text() != version)
        return fault(zap_fault::bad_version, "the ZAP reply is not of version 1.0");
    if (parts[2].text() != request_id)
        return fault(zap_fault::bad_request_id, "the ZAP reply has another request id");
    const auto status = status_of(parts[3].text());
    if (!status)
        return fault(zap_fault::invalid_status_code,
                     "the status of the ZAP reply is not 200, 300, 400 or 500");
    authentication_answer answer = *status;
    SLK_TRY(read_metadata(parts[6].bytes(), answer.metadata));
    if (!try_assign(answer.text, parts[4].text()) || !try_assign(answer.user_id, parts[5].text()))
        return fail(no_memory_to_ask);
    return answer;
}

zap_request::zap_request(std::shared_ptr<io_loop> on, authentication& asked,
                         reference<pipe_lanes> lanes) noexcept
    : on_(std::move(on)), asked_(reference<authentication>::to(asked)), lanes_(std::move(lanes)),
      out_(lanes_->toward[0], nullptr, nullptr), in_(lanes_->toward[1], nullptr)
{
    out_.allocate_from(on_->pools);
    task_.owner = this;
    task_.run = [](io::task& self) noexcept {
        auto& mine = *static_cast<zap_request*>(self.owner);
        mine.serve(mine.requests_.exchange(0, std::memory_order_seq_cst));
        mine.release();
    };
    task_.drop = [](io::task& self) noexcept { static_cast<zap_request*>(self.owner)->release(); };
}

result<reference<zap_request>> zap_request::send(const std::shared_ptr<io_loop>& on,
                                                 authentication& asked,
                                                 const zap_question& question)
{
    const auto context = on->context.lock();
    if (context == nullptr)
        return fail(errc::loop_closed, phase::handshake);
    auto lanes = pipe_lanes::create(on->pools, false);
    if (!lanes)
        return fail(no_memory_to_ask);
    auto made =
        reference<zap_request>::adopt(new (std::nothrow) zap_request(on, asked, std::move(lanes)));
    if (!made || !made->write(question))
        return fail(no_memory_to_ask);
    (void)made->out_.publish(); // the handler looks when it hears of the peer
    if (!made->in_.must_wait())
        made->request(wants_read);
    SLK_TRY(made->handler_, context->names().add_peer(handler_name, *made, made->lanes_));
    return made;
}

/// Returns false when memory is exhausted.
bool zap_request::write(const zap_question& question) noexcept
{
    std::string host = without_port(question.peer);
    if (host.empty() || !add_local_peer(host, question))
        return false;
    const auto part = [](std::string_view text) {
        return pattern::part_view{std::as_bytes(std::span(text.data(), text.size()))};
    };
    std::array<pattern::part_view, 9> parts{
        part({}),   part(version),           part(request_id),        part(question.domain),
        part(host), part(question.identity), part(question.mechanism)};
    std::size_t count = 7;
    for (const std::span<const std::byte> each : question.credentials)
        parts[count++] = {each};
    const bool written = static_cast<bool>(out_.write(std::span(parts).first(count)));
    out_.mark_secret(); // there may be a password in it
    return written;
}

void zap_request::request(std::uint32_t what) noexcept
{
    if (requests_.fetch_or(what, std::memory_order_seq_cst) != 0)
        return;
    retain(); // the task's
    if (!on_->core->post(task_))
        release();
}

/// Returns true when the whole reply is there.
bool zap_request::read_reply()
{
    for (message part; in_.read(part); part = {}) {
        const bool more = part.more();
        if (!try_push_back(reply_, std::move(part)))
            reply_.clear(); // too short for an answer
        if (!more)
            return true;
    }
    return false;
}

void zap_request::serve(std::uint32_t requests)
{
    if (!asked_)
        return;
    bool replied = read_reply();
    while (!replied && !in_.must_wait())
        replied = read_reply();
    if (!replied && (requests & wants_end) == 0)
        return;
    const reference<authentication> asked = asked_;
    cancel();
    if (!replied)
        return asked->failed(handler_gone);
    auto answer = parse_zap_reply(reply_);
    if (answer)
        asked->answered(std::move(*answer));
    else
        asked->failed(answer.error());
}

void zap_request::cancel() noexcept
{
    asked_.reset();
    if (!handler_)
        return;
    lanes_->ended.fetch_or(1, std::memory_order_acq_rel);
    const reference<pipe> handler = std::exchange(handler_, {});
    handler->pipe_closed(closed_by_owner);
}

} // namespace slk::messaging
