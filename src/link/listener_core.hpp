// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_LISTENER_CORE_HPP
#define SLK_LINK_LISTENER_CORE_HPP

/// The driver of the listener machine: one listening socket, several accepts, one timer.

#include <serverlink/listener.hpp>

#include "base/ref_counted.hpp"
#include "base/seqlock.hpp"
#include "io/loop_core.hpp"
#include "io/os/local_socket.hpp"
#include "link/listener_machine.hpp"

#include <atomic>
#include <memory>

namespace slk::link_detail {

class listener_core final : public ref_counted<listener_core>, public io::resident {
public:
    listener_core(std::shared_ptr<io::loop_core> loop, listener_options options,
                  listener_handlers handlers);

    /// The first opening; later ones are the machine's.
    result<void> open();
    /// The handle is gone; releases its reference. Any thread.
    void close_handle() noexcept;

    [[nodiscard]] listener_status status() const noexcept;
    [[nodiscard]] endpoint local_endpoint() const;
    [[nodiscard]] std::intptr_t native_handle() const noexcept;
    void loop_closing() noexcept override;

private:
    friend class ref_counted<listener_core>;
    ~listener_core() = default;

    void feed(listener_event event, const error& failure = {}) noexcept;
    void perform(const listener_actions& actions) noexcept;
    [[nodiscard]] result<address> listening_address() const;
    result<void> open_socket() noexcept;
    void close_socket() noexcept;
    void reopen() noexcept;
    void post_accepts() noexcept;
    void accept_completed(io::accept_operation& op) noexcept;
    [[nodiscard]] error take(const io::accept_operation& op) noexcept;
    void shed() noexcept;
    void stop() noexcept;

    const std::shared_ptr<io::loop_core> loop_;
    const listener_options options_;
    const listener_handlers handlers_;
    std::intptr_t descriptor_ = -1; ///< that of the options, until it is used
    std::uint16_t port_ = 0; ///< the port of the options, or the real one
    /// ipc only. Never replaced once the listener is open: other threads read the path.
    std::unique_ptr<io::os::local_name> name_;
    listener_machine machine_;
    io::socket_id socket_;
    std::unique_ptr<io::accept_operation[]> accepts_;
    io::timer timer_;
    io::task close_task_;
    bool attached_ = false;
    bool handle_gone_ = false; ///< no handler is called any more

    listener_status present_{};
    seqlock<listener_status> status_;
};

} // namespace slk::link_detail

#endif
