// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_MAILBOX_HPP
#define SLK_MESSAGING_MAILBOX_HPP

/// What a socket is told by the loops, and by the sockets at the other end of inproc: which pipes
/// have something to read or room to write, and who has come and gone.
///
/// The first is frequent: pipes ring, each is in a list without a lock once, however often it
/// rings. The second is rare, and goes through a lock.

#include <serverlink/error.hpp>

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "io/os/signal.hpp"
#include "messaging/peer_info.hpp"
#include "messaging/thread_parker.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace slk::messaging {

class pipe;

enum class mail_kind : std::uint8_t {
    arrived, ///< the pipe's peer is there: the handshake is over
    left,    ///< the pipe's peer is gone, for now or for good
    refused, ///< a connection did not get through its handshake
};

struct mail {
    mail_kind kind;
    reference<pipe> which{};
    peer_info about{};
    error reason{};
    std::uint64_t endpoint = 0; ///< of connections that were refused
    std::uint64_t count = 1; ///< of these
    bool for_good = false; ///< the pipe ends
    std::uint32_t far_mark = 0; ///< of inproc: what the other end may hold
    std::uint64_t far_bytes = 0;
};

/// In the list of those who have rung.
struct ringer {
    ringer* next = nullptr;
};

class mailbox final : public ref_counted<mailbox> {
public:
    mailbox();

    // --- any thread ---

    /// The ringer must not be in the list yet.
    void ring(ringer& entry) noexcept
    {
        ringer* first = rung_.load(std::memory_order_relaxed);
        do
            entry.next = first;
        while (!rung_.compare_exchange_weak(first, &entry, std::memory_order_seq_cst));
        if (sleeping_.load(std::memory_order_seq_cst))
            wake();
        if (io::os::signal* const shown = shown_.load(std::memory_order_seq_cst); shown != nullptr)
            shown->set();
    }
    void post(mail letter);
    /// News without a letter: whoever waits for something else looks again.
    void notify();
    /// Ends a sleep, or the next one.
    void wake() noexcept;

    // --- the socket's thread ---

    [[nodiscard]] bool has_news() const noexcept
    {
        return rung_.load(std::memory_order_relaxed) != nullptr;
    }
    /// All who have rung, the latest first.
    [[nodiscard]] ringer* take_rung() noexcept
    {
        return rung_.exchange(nullptr, std::memory_order_seq_cst);
    }
    /// The ringer that stands for letters.
    [[nodiscard]] bool is_letters(const ringer& entry) const noexcept
    {
        return &entry == &letters_;
    }
    [[nodiscard]] std::vector<mail> take_letters();

    /// Until somebody rings, posts or wakes.
    void sleep(duration timeout, bool expects_answer = false);

    /// A signal that is set while there may be something, from now on.
    result<io::native_handle> show();
    /// There is nothing for the socket, as far as it knows.
    void hide() noexcept
    {
        io::os::signal* const shown = shown_.load(std::memory_order_relaxed);
        if (shown == nullptr)
            return;
        shown->clear();
        if (rung_.load(std::memory_order_seq_cst) != nullptr)
            shown->set();
    }

    /// A sleeper of somebody else's is woken instead, while a thread waits for several sockets.
    void use(thread_parker* other) noexcept;

    /// The socket is closed: what comes from now on is thrown away. Letters and rings hold their
    /// pipes, and these their mailbox, which would live for ever with what nobody reads.
    void close() noexcept;

private:
    friend class ref_counted<mailbox>;
    ~mailbox();

    void forget_rung() noexcept;

    std::atomic<ringer*> rung_{nullptr};
    std::atomic<bool> sleeping_{false}; ///< or closed: whoever rings is to call wake()
    std::unique_ptr<io::os::signal> signal_;
    std::atomic<io::os::signal*> shown_{nullptr}; ///< the same, when there is one
    ringer letters_;
    thread_parker own_;
    std::mutex guard_;
    thread_parker* parker_ = &own_; ///< guarded
    std::vector<mail> mail_; ///< guarded
    bool letters_rung_ = false; ///< guarded
    bool closed_ = false; ///< guarded
};

} // namespace slk::messaging

#endif
