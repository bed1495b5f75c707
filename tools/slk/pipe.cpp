// SPDX-License-Identifier: MPL-2.0
#include "pipe.hpp"

#include "terminal.hpp"

#include <serverlink/timer.hpp>

#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace slk::tool {

namespace {

/// How long stdin may bring nothing once the peer of the only connection has finished.
constexpr duration idle_input_timeout = std::chrono::milliseconds(500);

} // namespace

struct pipe::state {
    /// One connection. Handlers of running operations share it, because its buffer must outlive
    /// them.
    struct connection {
        stream link;
        std::array<std::byte, input_chunk_size> received{};
    };
    /// Shared by the reading thread and the loop's thread.
    struct chunk_exchange {
        std::mutex mutex;
        std::condition_variable taken;
        bool pending = false; ///< a chunk has not been sent yet
        loop* to = nullptr; ///< null: the pipe has been destroyed
    };

    state(loop& where, printer& to, pipe_life how, std::function<void(const error&)> when_ended)
        : on(where), out(to), life(how), ended(std::move(when_ended))
    {
    }

    loop& on;
    printer& out;
    pipe_life life;
    std::function<void(const error&)> ended;
    timer idle; ///< after the peer of one connection has finished
    std::shared_ptr<chunk_exchange> shared = std::make_shared<chunk_exchange>();
    std::shared_ptr<connection> current;
    std::vector<std::byte> chunk;
    bool has_chunk = false;
    bool sending = false;
    bool input_ended = false;
    bool peer_finished = false;
    bool ended_called = false;

    void release_chunk()
    {
        has_chunk = false;
        const std::lock_guard hold(shared->mutex);
        shared->pending = false;
        shared->taken.notify_all();
    }

    void end(const error& why)
    {
        if (!std::exchange(ended_called, true))
            ended(why);
    }

    void lose(const std::shared_ptr<connection>& which, const error& why)
    {
        if (current != which)
            return;
        current->link.close();
        current.reset();
        if (life == pipe_life::one_connection)
            end(why);
    }

    /// All of stdin was sent and the peer has finished. The stream stays open, so that a link does
    /// not reconnect.
    void end_when_finished()
    {
        if (!peer_finished)
            return;
        if (input_ended && !has_chunk)
            end({});
        else if (life == pipe_life::one_connection)
            watch_input();
    }

    /// The peer sends no more, but may still read, as with `nc -N`: stdin goes on as long as it
    /// brings something.
    void watch_input()
    {
        auto begun = on.call_after(idle_input_timeout, [this] {
            if (has_chunk)
                watch_input(); // the peer is slow
            else
                end({});
        });
        if (begun)
            idle = *std::move(begun);
        else
            end(begun.error());
    }
};

namespace {

template <class State>
void send_more(const std::shared_ptr<State>& pipe)
{
    if (!pipe->current || pipe->sending)
        return;
    if (!pipe->has_chunk) {
        if (pipe->input_ended)
            (void)pipe->current->link.shutdown_send();
        return;
    }
    pipe->sending = true;
    const auto begun =
        pipe->current->link.send(std::span<const std::byte>(pipe->chunk),
                                 [pipe, used = pipe->current](const result<std::size_t>& sent) {
                                     pipe->sending = false;
                                     pipe->release_chunk();
                                     if (!sent)
                                         pipe->lose(used, sent.error());
                                     pipe->end_when_finished();
                                     send_more(pipe);
                                 });
    if (!begun) {
        // No byte of the chunk was sent, so it waits for the next connection.
        pipe->sending = false;
        pipe->lose(pipe->current, begun.error());
    }
}

template <class State>
void receive_more(const std::shared_ptr<State>& pipe,
                  const std::shared_ptr<typename State::connection>& from)
{
    const auto begun =
        from->link.receive(from->received, [pipe, from](const result<std::size_t>& count) {
            if (count && *count > 0) {
                pipe->out.bytes(from->received.data(), *count);
                receive_more(pipe, from);
                return;
            }
            const bool stays =
                pipe->life == pipe_life::one_connection || (pipe->input_ended && !pipe->has_chunk);
            if (!count || !stays) {
                pipe->lose(from, count ? error{} : count.error());
                return;
            }
            pipe->peer_finished = true;
            pipe->end_when_finished();
        });
    if (!begun)
        pipe->lose(from, begun.error());
}

} // namespace

pipe::pipe(loop& on, printer& out, pipe_life life, std::function<void(const error&)> ended)
    : state_(std::make_shared<state>(on, out, life, std::move(ended)))
{
    state_->shared->to = &on;
}

pipe::~pipe()
{
    {
        const std::lock_guard hold(state_->shared->mutex);
        state_->shared->to = nullptr;
        state_->shared->pending = false;
        state_->shared->taken.notify_all();
    }
    if (state_->current)
        state_->lose(state_->current, {});
}

void pipe::start()
{
    // Detached, because not every system can interrupt a read of stdin. The thread uses the loop
    // only through `shared`, under its mutex.
    std::thread([shared = state_->shared, to = std::weak_ptr(state_)] {
        for (;;) {
            std::vector<std::byte> bytes(input_chunk_size);
            bytes.resize(read_standard_input(bytes));
            const bool ended = bytes.empty();

            std::unique_lock hold(shared->mutex);
            if (shared->to == nullptr)
                return;
            shared->pending = !ended;
            shared->to->post([to, bytes = std::move(bytes), ended]() mutable {
                const auto pipe = to.lock();
                if (!pipe)
                    return;
                if (ended) {
                    pipe->input_ended = true;
                    pipe->end_when_finished();
                } else {
                    pipe->chunk = std::move(bytes);
                    pipe->has_chunk = true;
                }
                send_more(pipe);
            });
            if (ended)
                return;
            shared->taken.wait(hold, [&] { return !shared->pending; });
        }
    }).detach();
}

void pipe::connected(stream established)
{
    state_->current = std::make_shared<state::connection>();
    state_->current->link = std::move(established);
    receive_more(state_, state_->current);
    send_more(state_);
}

} // namespace slk::tool
