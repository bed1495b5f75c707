// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SERVERLINK_HPP
#define SERVERLINK_SERVERLINK_HPP

/// Everything that serverlink offers to C++ programs.

#include <serverlink/address.hpp>
#include <serverlink/authentication.hpp>
#include <serverlink/channel_slot.hpp>
#include <serverlink/client.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/config.hpp>
#include <serverlink/context.hpp>
#include <serverlink/curve.hpp>
#include <serverlink/dealer.hpp>
#include <serverlink/descriptor_watch.hpp>
#include <serverlink/endpoint.hpp>
#include <serverlink/error.hpp>
#include <serverlink/events.hpp>
#include <serverlink/frame_socket.hpp>
#include <serverlink/introspection.hpp>
#include <serverlink/link.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/log.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/message.hpp>
#include <serverlink/metrics.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/peer_filter.hpp>
#include <serverlink/proxy.hpp>
#include <serverlink/pub.hpp>
#include <serverlink/pubsub_broker.hpp>
#include <serverlink/pubsub_cluster.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/random.hpp>
#include <serverlink/received_batch.hpp>
#include <serverlink/reconnect.hpp>
#include <serverlink/rep.hpp>
#include <serverlink/req.hpp>
#include <serverlink/result.hpp>
#include <serverlink/router.hpp>
#include <serverlink/sender.hpp>
#include <serverlink/server.hpp>
#include <serverlink/sharded_pubsub.hpp>
#include <serverlink/simulation.hpp>
#include <serverlink/socket.hpp>
#include <serverlink/socket_options.hpp>
#include <serverlink/socket_watch.hpp>
#include <serverlink/stream.hpp>
#include <serverlink/stream_socket.hpp>
#include <serverlink/sub.hpp>
#include <serverlink/timeout.hpp>
#include <serverlink/timer.hpp>
#include <serverlink/tuning.hpp>
#include <serverlink/wait.hpp>
#include <serverlink/xpub.hpp>
#include <serverlink/xsub.hpp>

#endif
