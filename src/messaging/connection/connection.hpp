// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_CONNECTION_HPP
#define SLK_MESSAGING_CONNECTION_CONNECTION_HPP

/// A connection: joins a stream, a ZMTP session and the two lanes of a pipe. It lives on its loop's
/// thread, and does what connection_machine decides.
///
/// The connection of a connect() outlives its streams: the link brings one after the other, and the
/// lanes stay. The connection of an accepted peer has one stream, and makes its pipe when the
/// handshake is over; so has that of a connect() whose peers are known by their routing ids
/// (link_connections.hpp). Either way the loop moves bytes and not messages: what the socket has
/// written into the lane is sent as it is, and what arrives is received into the lane and only
/// scanned.

#include <serverlink/stream.hpp>

#include "io/timer.hpp"
#include "link/stream_core.hpp"
#include "messaging/connection/admission.hpp"
#include "messaging/connection/authentication.hpp"
#include "messaging/connection/connection_machine.hpp"
#include "messaging/connection/connection_settings.hpp"
#include "messaging/connection/direct_io.hpp"
#include "messaging/context/io_loop.hpp"
#include "messaging/observe/endpoint_log.hpp"
#include "messaging/pipe/pipe.hpp"
#include "zmtp/session.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slk::messaging {

/// Is notified when a handshake is over and when the connection has ended, and asked whether the
/// peer may come in; on the loop's thread.
class connection_observer {
public:
    /// Whether the peer is told READY only when its handshake is over on this side.
    [[nodiscard]] virtual bool tells_ready_last() const noexcept { return false; }
    /// The peer has got on with its handshake: begun, greeted.
    virtual void handshake_progressed(handshake_stage stage) noexcept { (void)stage; }
    /// CURVE server with ask_before_keys only: a HELLO has come. Returns why it is not looked at;
    /// that was reported then.
    [[nodiscard]] virtual error exchange_keys(const address& peer) noexcept
    {
        (void)peer;
        return {};
    }
    /// PLAIN server only. Whether the peer's password may be looked at.
    [[nodiscard]] virtual bool may_authenticate() noexcept { return true; }
    /// PLAIN server only: the password was right, or not. The handshake may last until `ends`.
    /// Returns the time of the answer.
    [[nodiscard]] virtual time_point authenticated(bool right, time_point now,
                                                   time_point ends) noexcept
    {
        (void)right;
        (void)ends;
        return now;
    }
    /// The peer has introduced itself. Returns why it is not let in. If it is, connection_ready()
    /// may follow at once.
    [[nodiscard]] virtual std::optional<zmtp::rejection> refuses() noexcept { return std::nullopt; }
    /// The handshake on the present stream is over, and the peer was reported.
    virtual void connection_ready() noexcept {}
    /// After depart(): the system has taken everything. The peer may still be reading.
    virtual void everything_sent() noexcept {}
    /// The connection has ended for good, and nothing of it is under way any more.
    virtual void connection_closed() noexcept = 0;

protected:
    ~connection_observer() = default;
};

class connection final : public far_end,
                         public io::resident,
                         public link_detail::descriptor_user,
                         public memory_user {
public:
    /// For connect(): with a pipe from the beginning, whose far end it is. `origin`: connect, or
    /// link for the first stream alone. Null when memory is exhausted. `pools`: those of the
    /// calling thread.
    [[nodiscard]] static reference<connection>
    create_connecting(std::shared_ptr<io_loop> on,
                      std::shared_ptr<const connection_settings> settings, reference<inbox> owner,
                      pipe_origin origin, reference<endpoint_log> log, lane::chunk_pools& pools);
    /// For a peer of bind(). Null when memory is exhausted. On the loop's thread.
    [[nodiscard]] static reference<connection>
    create_accepted(std::shared_ptr<io_loop> on,
                    std::shared_ptr<const connection_settings> settings, reference<inbox> owner,
                    reference<endpoint_log> log)
    {
        return create_single(std::move(on), std::move(settings), std::move(owner),
                             pipe_origin::accept, std::move(log));
    }
    /// For one stream only. Null when memory is exhausted. On the loop's thread.
    [[nodiscard]] static reference<connection>
    create_single(std::shared_ptr<io_loop> on, std::shared_ptr<const connection_settings> settings,
                  reference<inbox> owner, pipe_origin origin, reference<endpoint_log> log);

    /// The pipe of a connect().
    [[nodiscard]] const reference<pipe>& near() const noexcept { return near_; }
    [[nodiscard]] const std::shared_ptr<io_loop>& on() const noexcept { return on_; }
    void observe(connection_observer* observer) noexcept { observer_ = observer; }

    // On the loop's thread.

    /// The next stream.
    void begin(stream next);
    /// Ends the connection. The peer may take up to `timeout` to read what was sent.
    /// `until_closed` takes the observer's place, and is notified of the end.
    void close(duration timeout, connection_observer& until_closed);
    /// As close(), if all messages are sent and the peer may not have read them. While the socket's
    /// thread waits for this call. Returns whether that is so.
    bool drain_sent(duration timeout) noexcept;
    /// The socket has parted from the connection, and its thread does not touch the pipe any more.
    /// What is queued is sent until `deadline`, on later streams too, and what arrives is thrown
    /// away. The observer learns of the end, which may come during this call.
    void depart(time_point deadline) noexcept;
    /// connect() only: no other stream comes. The socket hears that the peer has gone for good.
    void give_up(const error& reason) noexcept;
    /// Ends the connection at once.
    void end(const error& reason) noexcept;
    /// The authenticator, or the ZAP handler, has answered late.
    void answered(authentication_answer decision) noexcept;
    /// There is no answer.
    void authentication_failed(const error& why) noexcept { lose(why); }
    /// Ends the handshake of an accepted peer by a reset, which leaves nothing in the system.
    void give_way(const error& reason) noexcept;

    // Any thread: what the pipe asks for.

    void on_readable() noexcept override { request(wants_send); }
    void on_writable() noexcept override { request(wants_receive); }
    void post_readable() noexcept override { post_request(wants_send); }
    void send_or_notify() noexcept override;
    bool send_now() noexcept override;
    result<bool> send_body(std::span<const std::byte> body,
                           message_detail::shared_memory* owner) noexcept override;
    bool receive_now(lane::chunk_pools& pools) noexcept override;
    void watch_deadlines() noexcept override { request(wants_deadlines); }
    void pipe_closed(const error& reason) noexcept override;
    void disconnect(const error& reason) noexcept override;
    void finish() noexcept override;

    // Any thread: what the budget of memory asks for.

    void on_memory() noexcept override { post_request(wants_receive); }
    void end_for_memory() noexcept override { post_request(wants_receive); }
    void retain_user() noexcept override { retain(); }
    void release_user() noexcept override { release(); }

    void loop_closing() noexcept override;
    bool release_descriptor() noexcept override;
    void wait_for_descriptor() noexcept override { direct_.wait_until_idle(); }

private:
    struct wires;

    connection(std::shared_ptr<io_loop> on, std::shared_ptr<const connection_settings> settings,
               reference<inbox> owner, reference<pipe_lanes> lanes, wires made, pipe_origin origin,
               reference<endpoint_log> log) noexcept;
    ~connection() override;
    [[nodiscard]] static reference<connection>
    create(std::shared_ptr<io_loop> on, std::shared_ptr<const connection_settings> settings,
           reference<inbox> owner, pipe_origin origin, reference<endpoint_log> log,
           lane::chunk_pools& pools);

    // Requests of other threads.
    static constexpr std::uint32_t wants_send = 1;
    static constexpr std::uint32_t wants_receive = 2;
    static constexpr std::uint32_t wants_close = 4;
    static constexpr std::uint32_t wants_disconnect = 8;
    static constexpr std::uint32_t wants_descriptor_back = 16;
    static constexpr std::uint32_t wants_finish = 32;
    static constexpr std::uint32_t wants_deadlines = 64;
    void request(std::uint32_t what) noexcept;
    void post_request(std::uint32_t what) noexcept;
    void request_because(std::uint32_t what, const error& reason) noexcept;
    [[nodiscard]] error request_reason() noexcept;
    void serve(std::uint32_t requests) noexcept;

    // The life of a stream.
    void step(const connection_input& input, const error& reason = {}) noexcept;
    void begin_stream() noexcept;
    void drain_stream() noexcept;
    void lose(const error& reason) noexcept;
    void check_returned() noexcept;
    void leave() noexcept;
    void begin_to_finish() noexcept;
    [[nodiscard]] time_point finish_ends() const noexcept;
    void drain_to_finish() noexcept;
    [[nodiscard]] bool has_unsent() const noexcept;
    void drain_to_depart() noexcept;
    void count_unsent() noexcept;
    [[nodiscard]] pipe_in arriving() const noexcept;
    void discard_arrived() noexcept;
    void expire() noexcept;
    void arm() noexcept;
    void report(event_kind kind, std::string_view routing_id, const error& reason = {},
                std::uint64_t count = 0, duration delay = {}) noexcept;
    [[nodiscard]] bool is_ready() const noexcept
    {
        return machine_.state() == connection_state::ready;
    }

    // What is known about the peer (connection_liveness.cpp).
    [[nodiscard]] message_counts queue() const noexcept;
    [[nodiscard]] std::uint64_t taken() const noexcept { return queue().taken; }
    [[nodiscard]] std::uint64_t arrived() const noexcept;
    [[nodiscard]] bool may_have_unread() const noexcept;
    [[nodiscard]] bool has_to_answer() const noexcept;
    [[nodiscard]] bool is_stuck() const noexcept;
    [[nodiscard]] bool lives_in_silence() noexcept;
    void look_for_stall(bool silent) noexcept;
    void set_stalled(bool stalled) noexcept;
    [[nodiscard]] time_point stall_ends() const noexcept;
    void ask_what_was_read() noexcept;
    void note_sign_of_life() noexcept;
    void note_round_trip() noexcept;
    [[nodiscard]] bool holds_back() noexcept;
    [[nodiscard]] bool may_send_heartbeat() noexcept;
    void count_unconfirmed() noexcept;
    void look_for_refusal() noexcept;
    void drop_stale() noexcept;
    std::uint64_t drop_expired() noexcept;
    [[nodiscard]] time_point next_deadline() noexcept;
    void watch_for_deadline() noexcept;
    void stop_watching() noexcept;
    void note_lapsed(drop_reason why, const wire_out::progress& dropped) noexcept;

    // The peer's place (peer_registry.hpp).
    [[nodiscard]] place_holder holder() const noexcept;
    void leave_place() noexcept;
    void leave_unread() noexcept;
    [[nodiscard]] bool note_peer_id(std::string_view routing_id) noexcept;
    [[nodiscard]] std::string_view peer_id() const noexcept
    {
        return record_.routing_id ? std::string_view(record_.routing_id->text())
                                  : std::string_view();
    }

    // Sending.
    void send_more() noexcept;
    enum class gathered : std::uint8_t { something, nothing, no_memory };
    [[nodiscard]] gathered gather() noexcept;
    void sent(const result<std::size_t>& count) noexcept;
    void drop_control() noexcept;

    // Receiving (connection_receive.cpp).
    void resume() noexcept;
    void receive_more() noexcept;
    [[nodiscard]] bool is_inside_message() noexcept;
    void received(const result<std::size_t>& count) noexcept;
    void process_window() noexcept;
    void process_received() noexcept;
    [[nodiscard]] bool receive_at_once(std::size_t& allowed) noexcept;
    void pause() noexcept;
    void note_pause() noexcept;
    void wait_for_memory() noexcept;
    void look_for_memory() noexcept;
    void end_for_want_of_memory() noexcept;
    [[nodiscard]] bool process(const zmtp::arrival& found) noexcept;
    [[nodiscard]] bool process_body(const zmtp::arrival& found) noexcept;
    void report_progress() noexcept;
    void authenticate(const zmtp::credentials& peer) noexcept;
    void ask_zap_handler(const zmtp::credentials& peer) noexcept;
    void decide(authentication_answer decision) noexcept;
    void answer() noexcept;
    void answer_late() noexcept;
    /// Somebody may be guessing: a PLAIN server, at an endpoint that counts refusals.
    [[nodiscard]] bool has_password() const noexcept
    {
        return settings_->protocol().security == zmtp::mechanism::plain &&
               settings_->protocol().as_server && observer_ != nullptr;
    }
    /// The peer waits for the answer to its credentials; what it sends is not looked at.
    [[nodiscard]] bool is_authenticating() const noexcept
    {
        return session_->state() == zmtp::session_state::authenticating;
    }
    void admit(const zmtp::arrival& found) noexcept;
    [[nodiscard]] result<std::optional<zmtp::rejection>> take_place() noexcept;
    void probe_new_peer() noexcept;
    void become_ready(const zmtp::arrival& found) noexcept;
    [[nodiscard]] bool tell_local_peer(peer_info& to) noexcept;
    [[nodiscard]] bool read_metadata(const zmtp::peer_metadata& from,
                                     peer_info& into) const noexcept;
    void count_unread_before() noexcept;
    [[nodiscard]] bool make_pipe() noexcept;
    void notify_reader() noexcept
    {
        if (departs_)
            discard_arrived();
        else if (std::exchange(reader_waits_, false) && near_)
            near_->on_readable();
    }
    [[nodiscard]] time_point now() const noexcept { return on_->core->io().now(); }

    const std::shared_ptr<io_loop> on_;
    const std::shared_ptr<const connection_settings> settings_;
    const reference<inbox> owner_;
    const reference<pipe_lanes> lanes_;
    const reference<endpoint_log> log_; ///< of the endpoint
    const std::unique_ptr<wire_out> out_;
    const std::unique_ptr<wire_in> in_;
    direct_io direct_;
    connection_record record_; ///< what metrics_of() reads, and the routing id of the peer
    const pipe_origin origin_;
    connection_machine machine_;
    bool has_place_ = false; ///< this connection has reserved it, and not the pipe
    reference<pipe> near_;
    connection_observer* observer_ = nullptr;

    stream stream_;
    stream next_stream_; ///< kept until the present one has ended
    reference<link_detail::stream_core> transport_; ///< of stream_, until `returned`
    std::optional<zmtp::session> session_;
    error ending_because_{};
    reference<authentication> authentication_; ///< from the question to the end of the handshake
    /// When the answer to its credentials is no longer held back; or after the handshake the next
    /// look_for_memory(), while a message waits for memory.
    time_point held_until_ = never;

    bool sending_ : 1 = false; ///< an operation is under way
    bool receiving_ : 1 = false; ///< an operation is under way
    bool draining_ : 1 = false; ///< the stream is closed after a drain, which is under way
    bool paused_ : 1 = false; ///< not receiving: no credit, no memory, or an answer is held back
    bool body_more_ : 1 = false; ///< parts follow the one whose body is being received
    bool after_body_ : 1 = false; ///< a large body was received, and nothing since
    bool offers_ping_ : 1 = false; ///< there is a PING in the present send
    bool receives_rest_ : 1 = false; ///< whatever the marks are: the peer has finished
    bool finishing_ : 1 = false; ///< the connection ends when everything was sent
    bool departs_ : 1 = false; ///< and so it does without its socket, after depart()
    bool reader_waits_ = false; ///< the reader is to be notified of what was published
    std::uint8_t zap_hundreds_ = 0; ///< of ZAP's status, which answers the peer's credentials
    reserved_from place_from_ = reserved_from::itself; ///< when the place was reserved
    std::uint32_t offered_control_ = 0; ///< bytes of control_ in the present send
    std::size_t need_ = 0; ///< bytes that the next frame lacks
    std::uint64_t sent_before_ = 0; ///< bytes of the stream before the present send
    std::vector<std::byte> control_;

    // Of the messages that taken() counts.
    std::uint64_t read_ = 0; ///< those that the peer has shown to have read
    std::uint64_t answers_before_ = 0; ///< arrived() at that time
    std::uint64_t taken_before_ping_ = 0; ///< when ping_ was sent
    time_point ready_since_ = never; ///< the stream
    time_point held_since_ = never; ///< a heartbeat waits
    std::uint64_t sent_at_last_look_ = 0; ///< messages and bytes
    time_point progress_at_{}; ///< when more had been sent than at the look before
    time_point stalled_since_ = never;
    time_point departs_until_ = never;

    io::timer timer_;
    io::task task_;
    std::atomic<std::uint32_t> requests_{0};
    std::uint32_t timed_ping_ = 0; ///< the number of a PING whose answer is timed; 0: none
    time_point timed_since_{};
    std::uint32_t ping_ = 0; ///< the number of a PING whose answer shows what was read; 0: none
    error request_reason_{}; ///< guarded by io_loop::reason_guard
    duration drain_timeout_{};
};

} // namespace slk::messaging

#endif
