//===- NodeOrder.cpp - an order in which nodes can run --------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/NodeOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <queue>

using namespace llvm;
using namespace sinter::importer;

static void collectUses(const ::onnx::NodeProto &node, StringSet<> &uses);

/// Names that `graph` takes from outside.
static void collectUses(const ::onnx::GraphProto &graph, StringSet<> &uses) {
  StringSet<> inner;
  for (const ::onnx::NodeProto &node : graph.node())
    collectUses(node, inner);
  for (const ::onnx::ValueInfoProto &output : graph.output())
    inner.insert(output.name());
  for (const ::onnx::ValueInfoProto &input : graph.input())
    inner.erase(input.name());
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    inner.erase(tensor.name());
  for (const ::onnx::NodeProto &node : graph.node())
    for (const std::string &name : node.output())
      inner.erase(name);
  for (const auto &name : inner)
    uses.insert(name.getKey());
}

static void collectUses(const ::onnx::NodeProto &node, StringSet<> &uses) {
  for (const std::string &name : node.input())
    uses.insert(name);
  for (const ::onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      collectUses(attribute.g(), uses);
    for (const ::onnx::GraphProto &graph : attribute.graphs())
      collectUses(graph, uses);
  }
}

/// A node of those not `done` all of whose producers in turn are not done either, so that following them ends in a cycle.
static int findCycle(ArrayRef<SmallVector<int>> producers, ArrayRef<bool> done) {
  int node = static_cast<int>(find(done, false) - done.begin());
  std::vector<bool> seen(done.size());
  while (!seen[node]) {
    seen[node] = true;
    node = *find_if(producers[node], [&](int producer) { return !done[producer]; });
  }
  return node;
}

SmallVector<int> sinter::importer::orderNodes(const Nodes &nodes, std::optional<int> &cycle) {
  StringMap<int> producerOf;
  for (const auto &[index, node] : enumerate(nodes))
    for (const std::string &name : node.output())
      if (!name.empty())
        producerOf[name] = static_cast<int>(index);

  std::vector<SmallVector<int>> producers(nodes.size()), users(nodes.size());
  bool sorted = true;
  for (int index = 0; index < nodes.size(); ++index) {
    StringSet<> uses;
    collectUses(nodes[index], uses);
    for (const auto &name : uses) {
      auto it = producerOf.find(name.getKey());
      if (it == producerOf.end())
        continue;
      producers[index].push_back(it->second);
      users[it->second].push_back(index);
      sorted &= it->second < index;
    }
  }
  SmallVector<int> order;
  if (sorted) {
    order.assign(seq<int>(0, nodes.size()).begin(), seq<int>(0, nodes.size()).end());
    return order;
  }

  // The earliest ready node first, so that the file's order stays where it can.
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  std::vector<size_t> missing(nodes.size());
  for (int index = 0; index < nodes.size(); ++index)
    if ((missing[index] = producers[index].size()) == 0)
      ready.push(index);
  SmallVector<bool> done(nodes.size(), false);
  while (!ready.empty()) {
    int index = ready.top();
    ready.pop();
    order.push_back(index);
    done[index] = true;
    for (int user : users[index])
      if (--missing[user] == 0)
        ready.push(user);
  }
  if (order.size() != static_cast<size_t>(nodes.size()))
    cycle = findCycle(producers, done);
  return order;
}
