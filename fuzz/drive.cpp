// SPDX-License-Identifier: MPL-2.0
#include "drive.hpp"

#include <algorithm>

namespace slk::fuzz {

namespace {

using namespace slk::zmtp;

constexpr time_point now{std::chrono::hours(1)};

class driver {
public:
    driver(const session_options& options, const owner& by)
        : options_(options), by_(by), tested_(options)
    {
        tested_.start(now);
        flush();
    }

    /// The stream up to `end` is there.
    void show(byte_view stream, std::size_t end)
    {
        take_body_elsewhere(end);
        while (begin_ <= end && log_.broken == nullptr) {
            const byte_view run = stream.subspan(begin_, end - begin_);
            const arrival told = tested_.receive(now, run);
            if (told.consumed > run.size())
                return blame("more was consumed than there was");
            if (end < enough_at_ && (told.kind != arrival_kind::need || told.consumed > 0))
                return blame("less was needed than was said");
            begin_ += told.consumed;
            note(told, run);
            flush();
            take_body_elsewhere(end);
            if (told.kind == arrival_kind::failed)
                return;
            if (told.kind == arrival_kind::need) {
                if (told.need == 0)
                    blame("nothing is needed, and nothing was told");
                enough_at_ = end + told.need;
                log_.max_kept = std::max(log_.max_kept, end - std::min(begin_, end));
                return;
            }
        }
    }

    conversation finish()
    {
        log_.state = tested_.state();
        log_.failure = tested_.failure();
        if (log_.state == session_state::failed) {
            log_.told += "failed: " + to_string(log_.failure) + '\n';
            if (!log_.failure)
                blame("the failure has no reason");
        }
        return std::move(log_);
    }

private:
    void blame(const char* what)
    {
        if (log_.broken == nullptr)
            log_.broken = what;
    }

    void flush()
    {
        const std::size_t size = tested_.pending();
        const std::size_t before = log_.sent.size();
        log_.sent.resize(before + size);
        if (tested_.transmit(std::span(log_.sent).subspan(before)) != size ||
            tested_.pending() != 0)
            blame("pending() and transmit() do not agree");
    }

    void take_body_elsewhere(std::size_t end)
    {
        if (!by_.bodies_elsewhere || tested_.body_left() == 0 || end <= begin_)
            return;
        const auto count = std::min<std::uint64_t>(tested_.body_left(), end - begin_);
        log_.told.append(static_cast<std::size_t>(count), '.');
        begin_ += static_cast<std::size_t>(count);
        tested_.body_received(now, count);
        if (tested_.body_left() == 0)
            log_.told += '\n';
    }

    void note(const arrival& told, byte_view run)
    {
        const bool inside = told.data.empty() ||
                            (told.data.data() >= run.data() &&
                             told.data.data() + told.data.size() <= run.data() + told.consumed);
        if (!inside)
            blame("a view does not lie in what was consumed");
        switch (told.kind) {
        case arrival_kind::need:
        case arrival_kind::flush:
        case arrival_kind::failed: break;
        case arrival_kind::messages: note_messages(told); break;
        case arrival_kind::body: note_body(told); break;
        case arrival_kind::subscription:
            log_.told += told.subscribe ? "subscribe " : "cancel ";
            log_.told += text_of(told.data);
            log_.told += '\n';
            break;
        case arrival_kind::authenticate:
            log_.told += "authenticate " + std::string(told.who.user) + ' ' +
                         std::string(told.who.password) + '\n';
            if (by_.answer == 200)
                tested_.accept(now);
            else
                tested_.refuse(now, by_.answer);
            break;
        case arrival_kind::ready: note_ready(told); break;
        }
    }

    void note_ready(const arrival& told)
    {
        log_.told += "ready ";
        log_.told += name_of(tested_.speaks());
        log_.told += ' ';
        log_.told += told.peer.type ? name_of(*told.peer.type) : "untyped";
        log_.told += ' ';
        log_.told += text_of(told.peer.identity);
        log_.told += '\n';
        if (told.peer.identity.size() > max_identity)
            blame("an identity of more than 255 bytes");
    }

    void note_messages(const arrival& told)
    {
        byte_view left = told.data;
        std::size_t frames = 0, messages = 0, whole = 0;
        while (!left.empty()) {
            const header_view seen = read_header(left, options_.limits);
            if (seen.need > 0 || seen.failure || seen.frame.command ||
                seen.frame.size > left.size() - seen.frame.header)
                return blame("a range of messages is not one");
            const auto size = static_cast<std::size_t>(seen.frame.size);
            note_frame(seen.frame, left.subspan(seen.frame.header, size));
            left = left.subspan(seen.frame.header + size);
            ++frames;
            if (!seen.frame.more) {
                ++messages;
                whole = told.data.size() - left.size();
            }
        }
        const scanned counted{told.data.size(), frames, messages, whole};
        if (told.found.size != counted.size || told.found.frames != counted.frames ||
            told.found.messages != counted.messages ||
            told.found.whole_messages != counted.whole_messages)
            blame("a range of messages was counted wrong");
    }

    void note_frame(const frame_header& frame, byte_view body)
    {
        log_.told += frame.more ? "frame+ " : "frame ";
        log_.told += text_of(body);
        log_.told += '\n';
    }

    void note_body(const arrival& told)
    {
        if (!inside_body_)
            log_.told += told.frame.more ? "frame+ " : "frame ";
        inside_body_ = tested_.body_left() > 0 && !by_.bodies_elsewhere;
        log_.told += text_of(told.data);
        if (tested_.body_left() == 0)
            log_.told += '\n';
        if (told.frame.size > options_.limits.message)
            blame("a body is larger than the limit");
    }

    const session_options& options_;
    owner by_;
    session tested_;
    conversation log_;
    std::size_t begin_ = 0; ///< of what is not consumed
    std::size_t enough_at_ = 0; ///< where the session said that it could go on
    bool inside_body_ = false;
};

} // namespace

conversation drive(const session_options& options, byte_view stream,
                   const std::vector<std::size_t>& cuts, const owner& by)
{
    driver one(options, by);
    for (const std::size_t cut : cuts)
        one.show(stream, std::min(cut, stream.size()));
    one.show(stream, stream.size());
    return one.finish();
}

std::vector<std::size_t> every_byte(std::size_t size)
{
    std::vector<std::size_t> cuts(size);
    for (std::size_t index = 0; index < size; ++index)
        cuts[index] = index + 1;
    return cuts;
}

} // namespace slk::fuzz
