// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_CONNECTER_HPP
#define SLK_LINK_CONNECTER_HPP

/// The connecter: the driver of the connecter machine.
///
/// It performs the machine's actions and reports their outcomes; it decides nothing. It has one
/// timer; during an attempt, a connect_attempt with its racers (a socket and a connect each), lent
/// by the loop's pools; and then the socket that won. Everything but ask(), status(),
/// recent_transitions(), address_failures() and close_handle() happens on the loop's thread.

#include <serverlink/link.hpp>
#include <serverlink/random.hpp>

#include "base/ref_counted.hpp"
#include "base/seqlock.hpp"
#include "io/loop_core.hpp"
#include "link/connect_attempt.hpp"
#include "link/connecter_machine.hpp"
#include "link/flight_recorder.hpp"
#include "link/stream_core.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace slk::link_detail {

class connecter final : public ref_counted<connecter>, public io::resident, public stream_observer {
public:
    connecter(std::shared_ptr<io::loop_core> loop, link_options options,
              link_handlers handlers) noexcept;
    /// False: there was no memory for all of it, and it cannot be used.
    [[nodiscard]] bool complete() const noexcept { return complete_; }

    /// The requests of a handle, from any thread. Handled in order, on the loop's thread.
    enum class request : std::uint8_t {
        start,
        stop,
        retry_now,
        pause,
        resume,
        confirm_useful,
        close, ///< stop, and leave the loop
    };
    /// The requests of one turn of the loop. A queue without room for another one is condensed:
    /// what was asked for and taken back is not done, and has no effect on the state that follows.
    class request_queue {
    public:
        void add(request next) noexcept
        {
            if (size_ == all_.size())
                condense();
            all_[size_++] = next;
        }
        [[nodiscard]] std::span<const request> all() const noexcept { return {all_.data(), size_}; }
        void clear() noexcept { size_ = 0; }

    private:
        void condense() noexcept;

        std::array<request, 16> all_{};
        std::uint8_t size_ = 0;
    };
    void ask(request asked) noexcept;
    /// The handle is being destroyed; see slk::link::~link. Releases the handle's reference.
    void close_handle() noexcept;

    [[nodiscard]] link_status status() const noexcept;
    [[nodiscard]] std::vector<link_transition> recent_transitions() const
    {
        return recorder_.moves();
    }
    /// Empty when memory is exhausted.
    [[nodiscard]] std::vector<address_failure> address_failures() const;
    [[nodiscard]] const endpoint& target() const noexcept { return target_; }
    [[nodiscard]] time_point now() const noexcept { return loop_->now(); }

    void loop_closing() noexcept override;
    void system_resumed() noexcept override;
    void stream_received() noexcept override;
    void stream_ended(const error& reason) noexcept override;

private:
    friend class ref_counted<connecter>;
    ~connecter() = default;

    // Between the machine and the events of the loop.
    void feed(connecter_input input) noexcept;
    [[nodiscard]] std::optional<connecter_input> perform(const connecter_actions& actions) noexcept;
    [[nodiscard]] std::optional<connecter_input> begin_lookup() noexcept;
    [[nodiscard]] connecter_input looked_up(result<std::vector<address>> found) noexcept;
    void report_lookup(const error& failure, bool is_usable) noexcept;
    [[nodiscard]] connecter_input take_candidates() noexcept;
    [[nodiscard]] result<void> find_sources() noexcept;
    [[nodiscard]] std::optional<address> source_for(const address& target) const noexcept;
    [[nodiscard]] connecter_input open_candidate() noexcept;
    [[nodiscard]] const tuning_options& tuning() const noexcept;
    [[nodiscard]] result<io::socket_id> open_socket(const address& target) noexcept;
    void connect_candidate() noexcept;
    void connect_ended(racer& entry) noexcept;
    [[nodiscard]] connecter_input tune() noexcept;
    [[nodiscard]] std::optional<connecter_input> hand_over() noexcept;
    void cancel() noexcept;
    void drop_racers() noexcept;
    void close_socket() noexcept;
    void remember_failure(const connecter_input& cause) noexcept;
    void give_attempt_back() noexcept;
    void watch_unattended_stream() noexcept;

    void publish_status(link_state before, const connecter_input& cause,
                        const connecter_actions& actions) noexcept;
    template <class Call>
    void call_handler(const char* name, const Call& call) noexcept;

    // Requests of other threads, and the loop.
    void schedule() noexcept;
    void handle_requests() noexcept;
    void handle(request asked) noexcept;
    void attach() noexcept;
    void leave_loop_if_done() noexcept;

    const std::shared_ptr<io::loop_core> loop_;
    const endpoint target_;
    const reconnect_options reconnect_;
    /// Null for the defaults, which most links have.
    const std::unique_ptr<const tuning_options> tuning_;
    const link_handlers handlers_;
    const address numeric_; ///< the target, for ipc its family; without a family if it is a name

    connecter_machine machine_;
    random_stream random_;
    io::timer timer_;
    connect_attempt* attempt_ = nullptr;
    io::socket_id socket_; ///< the one that connected
    stream_core* stream_ = nullptr; ///< the connection that was handed over
    stream unattended_; ///< its handle, if there is no handler for it

    io::task task_;
    request_queue requests_; ///< guarded by loop_core::requests_guard
    bool scheduled_ = false; ///< guarded too: the task is posted and has a reference
    bool attached_ = false; ///< a resident of the loop, which has a reference
    bool closing_ = false; ///< the handle or the loop is gone
    bool stream_over_ = false;
    error stream_reason_{};

    /// Used for names only; a link to a numeric address has none of it.
    struct name_memory {
        std::vector<address> last_good; ///< the resolver's last answer
        std::vector<address_failure> failures; ///< guarded by loop_core::requests_guard
    };
    const std::unique_ptr<name_memory> name_;
    bool complete_ = true;

    /// Whether a handler is being called, or may no longer be: see close_handle().
    enum class calling : std::uint8_t { no, yes, awaited, never_again };
    std::atomic<calling> calling_{calling::no};

    seqlock<link_status> status_;
    flight_recorder recorder_;
};

} // namespace slk::link_detail

#endif
