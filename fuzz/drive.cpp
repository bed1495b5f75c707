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
            const arrival next = tested_.receive(now, run);
            if (next.consumed > run.size())
                return blame("more was consumed than there was");
            if (end < enough_at_ && (next.kind != arrival_kind::need || next.consumed > 0))
                return blame("fewer bytes were needed than `need`");
            begin_ += next.consumed;
            note(next, run);
            flush();
            take_body_elsewhere(end);
            if (next.kind == arrival_kind::failed)
                return;
            if (next.kind == arrival_kind::need) {
                if (next.need == 0)
                    blame("no bytes are needed, and there was no arrival");
                enough_at_ = end + next.need;
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
            log_.events += "failed: " + to_string(log_.failure) + '\n';
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
        log_.events.append(static_cast<std::size_t>(count), '.');
        begin_ += static_cast<std::size_t>(count);
        tested_.body_received(now, count);
        if (tested_.body_left() == 0)
            log_.events += '\n';
    }

    void note(const arrival& next, byte_view run)
    {
        const bool inside = next.data.empty() ||
                            (next.data.data() >= run.data() &&
                             next.data.data() + next.data.size() <= run.data() + next.consumed);
        if (!inside)
            blame("a view does not lie in what was consumed");
        switch (next.kind) {
        case arrival_kind::need:
        case arrival_kind::flush:
        case arrival_kind::hello:
        case arrival_kind::failed: break;
        case arrival_kind::messages: note_messages(next); break;
        case arrival_kind::body: note_body(next); break;
        case arrival_kind::subscription:
            log_.events += next.subscribe ? "subscribe " : "cancel ";
            log_.events += text_of(next.data);
            log_.events += '\n';
            break;
        case arrival_kind::authenticate:
            log_.events += "authenticate " + std::string(next.client.user) + ' ' +
                           std::string(next.client.password) + '\n';
            if (by_.status == 200)
                tested_.accept(now);
            else
                tested_.refuse(now, by_.status);
            break;
        case arrival_kind::admit:
            if (!by_.rejects) {
                tested_.accept(now);
                note_ready(next);
            } else {
                tested_.reject(now, *by_.rejects, by_.silently);
            }
            break;
        case arrival_kind::ready: note_ready(next); break;
        }
    }

    void note_ready(const arrival& next)
    {
        log_.events += "ready ";
        log_.events += name_of(tested_.speaks());
        log_.events += ' ';
        log_.events += next.peer.type ? name_of(*next.peer.type) : "untyped";
        log_.events += ' ';
        log_.events += text_of(next.peer.identity);
        log_.events += '\n';
        if (next.peer.identity.size() > max_identity)
            blame("an identity of more than 255 bytes");
    }

    void note_messages(const arrival& next)
    {
        byte_view left = next.data;
        std::size_t frames = 0, messages = 0, whole = 0;
        while (!left.empty()) {
            const header_view seen = read_header(left, options_.limits, begun_);
            if (seen.need > 0 || seen.failure || seen.frame.command ||
                seen.frame.size > left.size() - seen.frame.header)
                return blame("a range of messages is not one");
            const auto size = static_cast<std::size_t>(seen.frame.size);
            note_frame(seen.frame, left.subspan(seen.frame.header, size));
            left = left.subspan(seen.frame.header + size);
            ++frames;
            if (!seen.frame.more) {
                ++messages;
                whole = next.data.size() - left.size();
            }
        }
        const scanned counted{next.data.size(), frames, messages, whole};
        if (next.found.size != counted.size || next.found.frames != counted.frames ||
            next.found.messages != counted.messages ||
            next.found.whole_messages != counted.whole_messages)
            blame("a range of messages was counted wrong");
    }

    void note_frame(const frame_header& frame, byte_view body)
    {
        log_.events += frame.more ? "frame+ " : "frame ";
        log_.events += text_of(body);
        log_.events += '\n';
        count(frame);
    }

    /// The parts and bytes of the message that the frame belongs to.
    void count(const frame_header& frame)
    {
        const frame_limits& limits = options_.limits;
        if (frame.size > limits.part || frame.size > limits.message - begun_.bytes ||
            begun_.parts >= limits.parts)
            blame("a message exceeds a limit");
        begun_.add(frame.size, frame.more);
    }

    void note_body(const arrival& next)
    {
        if (!inside_body_) {
            log_.events += next.frame.more ? "frame+ " : "frame ";
            count(next.frame);
        }
        inside_body_ = tested_.body_left() > 0 && !by_.bodies_elsewhere;
        log_.events += text_of(next.data);
        if (tested_.body_left() == 0)
            log_.events += '\n';
    }

    const session_options& options_;
    owner by_;
    session tested_;
    conversation log_;
    std::size_t begin_ = 0; ///< of what is not consumed
    std::size_t enough_at_ = 0; ///< the position from which the session can go on
    bool inside_body_ = false;
    message_progress begun_{};
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
