// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_CONTEXT_HPP
#define SERVERLINK_CONTEXT_HPP

/// slk::context: the loops that carry the bytes of its sockets, and the names of inproc.
///
/// With loop threads (one by default) the threads that use sockets do not wait for the network.
/// Without any, the thread that calls a socket runs the loop for as long as the call lasts: that
/// has the latency of the bare connection, and nothing happens between the calls. The sockets and
/// their code are the same.

#include <serverlink/export.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/result.hpp>
#include <serverlink/timeout.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slk {

namespace messaging {
class context_core;
}

/// The threads that a context starts for its loops. What the system refuses, or does not have, has
/// no effect and is no error: the threads then run as if it was not set. Programs need privileges
/// for most priorities (Linux: sched(7)).
struct thread_options {
    /// Thread n is named PREFIX/n, with the prefix cut to what the system shows (Linux: 15 bytes in
    /// all). Empty: the system's choice.
    std::string name_prefix{};
    /// The CPUs that the threads may run on, by the system's numbers; those that there are not are
    /// ignored. Empty: those of the thread that makes the context. Linux; on Windows the first 64.
    std::vector<int> cpus{};
    /// A policy as sched_setscheduler(2) has them, for example SCHED_BATCH; -1: that of the thread
    /// that makes the context. Not on Windows.
    int policy = -1;
    /// -1: not set. With SCHED_FIFO and SCHED_RR the priority, as near to it as the system allows.
    /// With another policy, Linux: a nice value of -priority, at least -20. Windows: 0 normal, 1
    /// above normal, from 2 on highest.
    int priority = -1;
};

/// The options of a context.
struct context_options {
    /// Threads that each run a loop, 0 to 64. Connections are spread over them as they are made.
    /// With 0 all sockets of the context together are for one thread at a time.
    int threads = 1;
    /// Sockets that may be open at a time; more are errc::too_many_descriptors.
    std::size_t max_sockets = 1023;
    /// Bytes that the queues of all sockets together may hold; 0: no limit. They are the messages
    /// that wait to be sent or to be received, and what has arrived of others; not what the program
    /// has received and keeps. The last 72 KiB of a queue of small messages may not be counted. The
    /// default is four times socket_options::max_message_size.
    ///
    /// When it is used up, a queue takes one more message only when it is empty, as with a
    /// high-water mark of 1: a connection is not read further, and a send waits, or returns
    /// would_block. A message of more than 128 KiB that is arriving waits, but the one that began
    /// first goes on and may exceed the limit. If it does not arrive for 10 s while others wait,
    /// its connection ends with out_of_memory, and the next one has its turn.
    std::uint64_t max_memory = std::uint64_t{1} << 30;
    /// For each loop.
    loop_options loop{};
    /// How the threads of the loops run.
    thread_options thread{};

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// What the queues of a context hold.
struct memory_use {
    std::uint64_t bytes = 0; ///< counted as for context_options::max_memory
    std::uint64_t max_bytes = 0; ///< context_options::max_memory
    /// Connections that ended because a message found no memory within max_memory.
    std::uint64_t ended_connections = 0;
};

/// Moved, not copied. Its calls may be made from any thread.
///
/// fork(2): a child process may destroy or close its copies of contexts and sockets, execute a
/// program, exit, and make new ones. None of that waits or has an effect on the parent, whatever
/// time close() was given or `linger` has. The first copy that ends closes the child's descriptors
/// of the whole context; memory stays allocated. Every other call of an inherited socket or context
/// returns errc::forked, or does nothing.
class SLK_API context {
public:
    /// Errors: invalid_argument (an option), and those of loop::create and loop::start_thread.
    [[nodiscard]] static result<context> create(context_options options = {});
    /// A context on a loop of the caller's, which must outlive the context. Another thread may run
    /// the loop; if none does, the thread that calls a socket runs it. This is how sockets get onto
    /// a simulated network. `max_memory`: as in context_options.
    [[nodiscard]] static result<context>
    on(loop& of_user, std::uint64_t max_memory = context_options{}.max_memory);

    context(context&& other) noexcept;
    context& operator=(context&& other) noexcept;
    /// As shutdown(). What is still sent in the background ends at once. Sockets that still exist
    /// are inert, and may be destroyed later. Waits for system calls that other threads are making
    /// on sockets of this context.
    ~context();

    /// Waits until the endpoints that were closed or taken back in the background (socket.hpp,
    /// close_in_background()) have sent what was queued, or their time is over; and then for up to
    /// a second until the peers have read it. A context without threads runs its loop meanwhile.
    /// Also after shutdown(). `interruptible`: as socket_options::interruptible. Errors: timed_out,
    /// would_block, cancelled (a stop was requested), forked, interrupted.
    [[nodiscard]] result<void> wait_closed(const timeout& limit = {}, bool interruptible = false);

    /// Does not wait.
    [[nodiscard]] memory_use memory() const noexcept;

    /// Every call of a socket that waits, and every later one, returns errc::cancelled, except for
    /// close(), which still sends what is queued; so do sockets that were closed in the background.
    /// Any thread.
    void shutdown();

    /// Used by the library only.
    [[nodiscard]] const std::shared_ptr<messaging::context_core>& core() const noexcept
    {
        return core_;
    }

private:
    explicit context(std::shared_ptr<messaging::context_core> core) noexcept;

    std::shared_ptr<messaging::context_core> core_;
};

} // namespace slk

#endif
