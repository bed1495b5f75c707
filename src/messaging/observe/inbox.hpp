// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_INBOX_HPP
#define SLK_MESSAGING_OBSERVE_INBOX_HPP

/// The inbox of a socket: what loops, and the other sockets of inproc, have to report to it.
///
/// There are two kinds of reports. A pipe that has become readable or writable is frequent: it
/// links itself into a list without a lock, once, however often it signals. An event (event.hpp) is
/// rare, and goes through a lock. Both wake the socket's thread if it sleeps.
///
/// A socket that is not used for a while does not fill the memory: about a peer there is one
/// record, and none about a connection with a pipe of its own that came, left nothing to be
/// received, and went; unless it has taken over the place of another peer.

#include <serverlink/error.hpp>

#include "base/memory_budget.hpp"
#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "io/os/signal.hpp"
#include "messaging/context/thread_parker.hpp"
#include "messaging/observe/counters.hpp"
#include "messaging/observe/event_source.hpp"
#include "messaging/observe/metrics_registry.hpp"
#include "messaging/observe/peer_report.hpp"
#include "messaging/observe/ready_notice.hpp"
#include "pattern/pattern.hpp"
#include "pattern/topic_book.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace slk::messaging {

class peer_registry;

/// An entry of the list of those that have signalled.
struct inbox_entry {
    inbox_entry* next = nullptr;
};

/// Is told of reports in the place of a thread that sleeps.
class inbox_listener : public ref_counted<inbox_listener> {
public:
    /// There may be a report. Any thread; must not use the inbox.
    virtual void reported() noexcept = 0;

protected:
    friend class ref_counted<inbox_listener>;
    virtual ~inbox_listener() = default;
};

class inbox final : public ref_counted<inbox>, public memory_user {
public:
    inbox();
    /// False: there was no memory for all of it, and it cannot be used.
    [[nodiscard]] bool complete() const noexcept { return places_ != nullptr; }

    // --- any thread ---

    /// The entry must not be in the list yet.
    void signal(inbox_entry& entry) noexcept
    {
        inbox_entry* first = signalled_.load(std::memory_order_relaxed);
        do
            entry.next = first;
        while (!signalled_.compare_exchange_weak(first, &entry, std::memory_order_seq_cst));
        if (sleeping_.load(std::memory_order_seq_cst))
            wake();
        else
            set_event_handle();
    }
    void post(std::unique_ptr<peer_connected> met);
    /// Returns true if there is nothing to report: the socket does not learn of this pipe.
    bool post(const peer_disconnected& what, const error& why);
    void post(const peer_stalled& what);
    void post(const message_refused& what, const error& why);
    /// Makes a thread that waits look again, without an event.
    void notify();
    /// The place of a peer is free again. After the report of its end, if there is one.
    void place_freed();
    /// A socket that waits for memory looks again.
    void on_memory() noexcept override { notify(); }
    void end_for_memory() noexcept override {}
    void retain_user() noexcept override { retain(); }
    void release_user() noexcept override { release(); }
    /// Ends a sleep, or the next one.
    void wake() noexcept;

    [[nodiscard]] messaging::counters& counters() noexcept { return counters_; }
    /// Where everything that happens is reported, for the event streams of the socket.
    [[nodiscard]] event_source& events() noexcept { return event_source_; }
    /// The numbers of the socket's endpoints and connections.
    [[nodiscard]] metrics_registry& registry() noexcept { return registry_; }
    /// All numbers of the socket. Errors: out_of_memory.
    [[nodiscard]] result<socket_metrics> metrics();
    /// The places of the socket's peers.
    [[nodiscard]] peer_registry& places() noexcept { return *places_; }
    /// What the socket has subscribed to, and what its peers have; null where its type has none.
    [[nodiscard]] const pattern::topic_book* subscribed() const noexcept
    {
        return subscribed_.get();
    }
    [[nodiscard]] const pattern::published_topics* published() const noexcept
    {
        return published_.get();
    }
    /// Before the socket is in its context.
    void set_topics_of(const pattern::pattern& routes) noexcept;

    // --- the socket's thread ---

    [[nodiscard]] bool has_reports() const noexcept
    {
        return signalled_.load(std::memory_order_relaxed) != nullptr;
    }
    /// The same for a thread that is about to sleep, after redirect_wakes(): a report that this
    /// does not see wakes it.
    [[nodiscard]] bool must_stay_awake() const noexcept
    {
        return signalled_.load(std::memory_order_seq_cst) != nullptr;
    }
    /// All entries that have signalled, the latest first.
    [[nodiscard]] inbox_entry* take_signalled() noexcept
    {
        return signalled_.exchange(nullptr, std::memory_order_seq_cst);
    }
    /// The entry that stands for the events.
    [[nodiscard]] bool is_events(const inbox_entry& entry) const noexcept
    {
        return &entry == &events_entry_;
    }
    /// Calls visit(event&) for each event. What is posted about a peer that has not had its turn
    /// yet is read too.
    template <class Visit>
    void take_events(Visit&& visit)
    {
        list<unread_events> all;
        begin_events(all);
        for (events_of_peer next; next_events(all, next); next = {})
            for (std::optional<peer_report>& each : next)
                if (each)
                    visit(*each);
    }

    /// Returns true once after a place_freed(). After take_events().
    [[nodiscard]] bool take_place_freed();

    /// Sleeps until there is a report or a wake, or `timeout` has passed. `expects_reply`: the
    /// thread has just sent a message and is likely to be woken soon. Returns true if a handler of
    /// a signal has ended it, which is so only if it is `interruptible`.
    bool sleep(duration timeout, bool expects_reply = false, bool interruptible = false);

    /// A handle for other event loops. From the first call on it is set while there may be a
    /// report. `as_socket`: as in signal::create(); the first call decides.
    result<io::native_handle> event_handle(bool as_socket = false);
    /// Sets the handle, and tells the watch: there may be something to do.
    void set_event_handle() noexcept
    {
        if (io::os::signal* const shown = shown_.load(std::memory_order_seq_cst); shown != nullptr)
            shown->set();
        if (ready_notice* const watched = watched_.load(std::memory_order_seq_cst);
            watched != nullptr)
            watched->set();
    }
    /// What a watch of the socket is told by. Returns false when memory is exhausted.
    [[nodiscard]] bool make_notice() noexcept;
    /// The socket is about to look: a watch is told of what is reported from now on.
    void clear_notice() noexcept
    {
        if (notice_)
            notice_->clear();
    }
    /// Null before make_notice().
    [[nodiscard]] ready_notice* notice() const noexcept { return notice_.get(); }
    /// The socket has nothing to do as far as it knows: clears the handle, unless there is a report
    /// meanwhile.
    void clear_event_handle() noexcept
    {
        io::os::signal* const shown = shown_.load(std::memory_order_relaxed);
        if (shown == nullptr)
            return;
        shown->clear();
        if (signalled_.load(std::memory_order_seq_cst) != nullptr)
            shown->set_anew();
    }

    /// Wakes `other` from now on, which waits for several sockets; null: the inbox's own sleeper.
    void redirect_wakes(thread_parker* other) noexcept;

    /// The listener, if there is one.
    [[nodiscard]] inbox_listener* listener() const noexcept { return listener_.get(); }
    /// The next listener; it is not told of anything yet.
    void set_listener(reference<inbox_listener> next) noexcept;
    /// Tells the listener of every report from now on, or does not any more. A report that
    /// must_stay_awake() does not see after that is told. The close of the socket is told, too.
    void listen(bool on) noexcept;
    [[nodiscard]] bool listens() const noexcept { return listens_; }
    /// Something has changed that no report tells of.
    void tell_listener() const noexcept
    {
        if (listens_)
            listener_->reported();
    }

    /// The socket is closed: reports are thrown away from now on. Reports hold their pipes, and
    /// pipes their inbox, so unread ones would keep all of them for ever.
    void close() noexcept;
    /// In a child process (io/os/forks.hpp): closes the child's copies of the descriptors.
    void leave_to_parent() noexcept
    {
        if (shown_.exchange(nullptr, std::memory_order_relaxed) != nullptr)
            signal_.reset();
    }

private:
    friend class ref_counted<inbox>;
    ~inbox();

    void signal_events(bool first) noexcept;
    void discard_signalled() noexcept;
    using events_of_peer = std::array<std::optional<peer_report>, 5>;
    void begin_events(list<unread_events>& all);
    [[nodiscard]] bool next_events(list<unread_events>& all, events_of_peer& next);
    template <class Change>
    bool add(pipe& peer, const Change& change);
    static void forget(pipe& peer) noexcept;

    std::atomic<inbox_entry*> signalled_{nullptr};
    std::atomic<bool> sleeping_{false}; ///< or closed: a signal is to call wake()
    std::unique_ptr<io::os::signal> signal_;
    std::atomic<io::os::signal*> shown_{nullptr}; ///< signal_, once there is one
    reference<ready_notice> notice_;
    std::atomic<ready_notice*> watched_{nullptr}; ///< notice_, once there is one
    inbox_entry events_entry_;
    thread_parker own_;
    std::mutex guard_;
    thread_parker* parker_ = &own_; ///< guarded
    list<unread_events> events_; ///< guarded
    bool events_signalled_ = false; ///< guarded
    bool place_freed_ = false; ///< guarded
    bool closed_ = false; ///< guarded
    bool listens_ = false; ///< guarded; changed by the socket's thread
    reference<inbox_listener> listener_; ///< guarded; changed by the socket's thread
    messaging::counters counters_;
    event_source event_source_;
    metrics_registry registry_;
    reference<pattern::topic_book> subscribed_;
    reference<pattern::published_topics> published_;
    const std::unique_ptr<peer_registry> places_;
};

} // namespace slk::messaging

#endif
