//===- Regex.cpp - regular expressions over code points -----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Regex.h"
#include "tools/sinter/Tokenizer/RegexTree.h"

using namespace llvm;
using namespace sinter;
using namespace sinter::regex;

CodePoints::CodePoints(StringRef text) {
  points.reserve(text.size());
  offsets.reserve(text.size() + 1);
  const char *begin = text.begin();
  bool valid;
  while (!text.empty()) {
    offsets.push_back(text.begin() - begin);
    points.push_back(unicode::takeCodePoint(text, valid));
  }
  offsets.push_back(text.begin() - begin);
}

//===----------------------------------------------------------------------===//
// Tree to graph, and matching
//===----------------------------------------------------------------------===//

namespace {
enum class Kind : uint8_t { Match, Set, Run, Alternatives, Look, Atomic, LineBegin, LineEnd, TextBegin, TextEnd };
constexpr uint32_t kNoNode = ~0u;

/// A step of the matcher. Steps form a graph; `next` is what must match behind this one.
struct Node {
  Kind kind = Kind::Match;
  Mode mode = Mode::Greedy;
  bool negative = false, behind = false;
  uint32_t set = 0, min = 0, max = 0; // Run
  uint32_t sub = kNoNode, next = kNoNode;
  std::vector<uint32_t> branches; // Alternatives
};
} // namespace

static Kind anchorKind(Anchor anchor) {
  switch (anchor) {
  case Anchor::LineBegin:
    return Kind::LineBegin;
  case Anchor::LineEnd:
    return Kind::LineEnd;
  case Anchor::TextBegin:
    return Kind::TextBegin;
  case Anchor::TextEnd:
    break;
  }
  return Kind::TextEnd;
}

struct Regex::Impl {
  std::vector<Node> nodes;
  std::vector<CharSet> sets;
  uint32_t start = 0;
  bool tooLarge = false;

  uint32_t node(Kind kind, uint32_t next) {
    tooLarge |= nodes.size() > 20000;
    nodes.emplace_back();
    nodes.back().kind = kind;
    nodes.back().next = next;
    return nodes.size() - 1;
  }

  uint32_t build(const Tree &tree, uint32_t next) {
    if (tooLarge)
      return next;
    switch (tree.kind) {
    case Tree::Empty:
      return next;
    case Tree::Set: {
      sets.push_back(tree.set);
      uint32_t set = sets.size() - 1, result = node(Kind::Set, next);
      nodes[result].set = set;
      return result;
    }
    case Tree::Sequence:
      for (const Tree &part : reverse(tree.parts))
        next = build(part, next);
      return next;
    case Tree::Alternatives: {
      uint32_t result = node(Kind::Alternatives, kNoNode);
      for (const Tree &part : tree.parts) {
        uint32_t branch = build(part, next);
        nodes[result].branches.push_back(branch);
      }
      return result;
    }
    case Tree::Look:
    case Tree::Atomic: {
      uint32_t sub = build(tree.parts[0], node(Kind::Match, kNoNode));
      uint32_t result = node(tree.kind == Tree::Look ? Kind::Look : Kind::Atomic, next);
      nodes[result].sub = sub;
      nodes[result].negative = tree.negative;
      nodes[result].behind = tree.behind;
      return result;
    }
    case Tree::Anchored:
      return node(anchorKind(tree.anchor), next);
    case Tree::Repeat:
      return buildRepeat(tree, next);
    }
    return next;
  }

  uint32_t buildRepeat(const Tree &tree, uint32_t next) {
    const Tree &body = tree.parts[0];
    if (body.kind == Tree::Set) {
      sets.push_back(body.set);
      uint32_t set = sets.size() - 1, result = node(Kind::Run, next);
      nodes[result].set = set;
      nodes[result].min = tree.min;
      nodes[result].max = tree.max;
      nodes[result].mode = tree.mode;
      return result;
    }
    if (tree.mode == Mode::Possessive) {
      Tree greedy = tree;
      greedy.mode = Mode::Greedy;
      uint32_t sub = buildRepeat(greedy, node(Kind::Match, kNoNode)), result = node(Kind::Atomic, next);
      nodes[result].sub = sub;
      return result;
    }
    auto either = [&](uint32_t more, uint32_t done) {
      uint32_t result = node(Kind::Alternatives, kNoNode);
      nodes[result].branches = {more, done};
      if (tree.mode == Mode::Lazy)
        std::swap(nodes[result].branches[0], nodes[result].branches[1]);
      return result;
    };
    uint32_t result = next;
    if (tree.max == kUnbounded) {
      result = node(Kind::Alternatives, kNoNode); // made first, for the body to lead back to
      uint32_t again = build(body, result);
      nodes[result].branches = {again, next};
      if (tree.mode == Mode::Lazy)
        std::swap(nodes[result].branches[0], nodes[result].branches[1]);
    } else {
      for (uint32_t i = tree.min; i < tree.max && !tooLarge; ++i)
        result = either(build(body, result), next);
    }
    for (uint32_t i = 0; i < tree.min && !tooLarge; ++i)
      result = build(body, result);
    return result;
  }

  /// Repeating what may be empty would go round for ever.
  static bool loopsOnEmpty(const Tree &tree) {
    if (tree.kind == Tree::Repeat && tree.max == kUnbounded && tree.parts[0].canBeEmpty())
      return true;
    return any_of(tree.parts, loopsOnEmpty);
  }

  struct Text {
    ArrayRef<uint32_t> points;
    unsigned steps = 0;
  };

  int64_t match(Text &text, uint32_t index, size_t at, unsigned depth) const {
    if (depth > 10000)
      return -1;
    while (true) {
      if (++text.steps > 10'000'000)
        return -1;
      const Node &node = nodes[index];
      size_t size = text.points.size();
      switch (node.kind) {
      case Kind::Match:
        return at;
      case Kind::Set:
        if (at == size || !sets[node.set](text.points[at]))
          return -1;
        ++at;
        break;
      case Kind::Run: {
        const CharSet &set = sets[node.set];
        size_t most = node.max == kUnbounded ? size - at : std::min<size_t>(size - at, node.max), count = 0;
        size_t wanted = node.mode == Mode::Lazy ? std::min<size_t>(node.min, most) : most;
        while (count < wanted && set(text.points[at + count]))
          ++count;
        if (count < node.min)
          return -1;
        if (node.mode == Mode::Possessive || nodes[node.next].kind == Kind::Match) {
          at += count;
          break;
        }
        while (true) {
          if (int64_t end = match(text, node.next, at + count, depth + 1); end >= 0)
            return end;
          if (node.mode == Mode::Lazy) {
            if (count == most || !set(text.points[at + count]))
              return -1;
            ++count;
          } else if (count-- == node.min) {
            return -1;
          }
        }
      }
      case Kind::Alternatives:
        for (uint32_t branch : ArrayRef(node.branches).drop_back())
          if (int64_t end = match(text, branch, at, depth + 1); end >= 0)
            return end;
        index = node.branches.back();
        continue;
      case Kind::Look: {
        int64_t end =
            node.behind ? (at ? match(text, node.sub, at - 1, depth + 1) : -1) : match(text, node.sub, at, depth + 1);
        if ((end >= 0) == node.negative)
          return -1;
        break;
      }
      case Kind::Atomic: {
        int64_t end = match(text, node.sub, at, depth + 1);
        if (end < 0)
          return -1;
        at = end;
        break;
      }
      case Kind::LineBegin:
        if (at != 0 && text.points[at - 1] != '\n')
          return -1;
        break;
      case Kind::LineEnd:
        if (at != size && text.points[at] != '\n')
          return -1;
        break;
      case Kind::TextBegin:
        if (at != 0)
          return -1;
        break;
      case Kind::TextEnd:
        if (at != size)
          return -1;
        break;
      }
      index = node.next;
    }
  }
};

Regex::Regex(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Regex::Regex(Regex &&) = default;
Regex &Regex::operator=(Regex &&) = default;
Regex::~Regex() = default;

Expected<Regex> Regex::compile(StringRef pattern) {
  auto wrong = [&](const Twine &why) {
    return createStringError("regular expression '" + pattern + "': " + why + " is not supported");
  };
  Expected<Tree> tree = parse(pattern);
  if (!tree)
    return wrong(toString(tree.takeError()));
  if (Impl::loopsOnEmpty(*tree))
    return wrong("repeating what may be empty");
  auto impl = std::make_unique<Impl>();
  impl->start = impl->build(*tree, impl->node(Kind::Match, kNoNode));
  if (impl->tooLarge)
    return wrong("a pattern this large");
  return Regex(std::move(impl));
}

int64_t Regex::matchAt(ArrayRef<uint32_t> points, size_t at) const {
  Impl::Text text{points};
  return impl->match(text, impl->start, at, 0);
}
