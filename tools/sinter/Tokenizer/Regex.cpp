//===- Regex.cpp - regular expressions over code points -----------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Tokenizer/Regex.h"
#include "tools/sinter/Tokenizer/Unicode.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <bitset>
#include <optional>

using namespace llvm;
using namespace sinter;
using namespace sinter::unicode;

CodePoints::CodePoints(StringRef text) {
  points.reserve(text.size());
  offsets.reserve(text.size() + 1);
  const char *begin = text.begin();
  bool valid;
  while (!text.empty()) {
    offsets.push_back(text.begin() - begin);
    points.push_back(takeCodePoint(text, valid));
  }
  offsets.push_back(text.begin() - begin);
}

namespace {
/// A set of code points.
struct CharSet {
  CategoryMask categories = 0, notCategories = 0; // of the second, any code point outside the mask belongs to the set
  bool space = false, notSpace = false, negate = false;
  SmallVector<std::pair<uint32_t, uint32_t>, 2> ranges;
  std::bitset<128> ascii;

  bool slow(uint32_t c) const {
    bool in = any_of(ranges, [c](auto range) { return c >= range.first && c <= range.second; });
    if (!in && (space || notSpace))
      in = isWhitespace(c) ? space : notSpace;
    if (!in && (categories || notCategories)) {
      CategoryMask mask = bit(category(c));
      in = (mask & categories) || (notCategories && !(mask & notCategories));
    }
    return in != negate;
  }
  bool operator()(uint32_t c) const { return c < 128 ? ascii[c] : slow(c); }
  void finish() {
    for (uint32_t c = 0; c < 128; ++c)
      ascii[c] = slow(c);
  }
};

enum class Mode : uint8_t { Greedy, Lazy, Possessive };
enum class Kind : uint8_t { Match, Set, Run, Alternatives, Look, Atomic, LineBegin, LineEnd, TextBegin, TextEnd };
constexpr uint32_t kNoNode = ~0u, kUnbounded = ~0u;

/// A step of the matcher. Steps form a graph; `next` is what must match behind this one.
struct Node {
  Kind kind = Kind::Match;
  Mode mode = Mode::Greedy;
  bool negative = false, behind = false;
  uint32_t set = 0, min = 0, max = 0; // Run
  uint32_t sub = kNoNode, next = kNoNode;
  std::vector<uint32_t> branches; // Alternatives
};

/// The pattern as it is written: a tree.
struct Tree {
  enum Kind { Empty, Set, Sequence, Alternatives, Repeat, Look, Atomic, Anchor } kind = Empty;
  CharSet set;
  std::vector<Tree> parts;
  uint32_t min = 0, max = 0;
  Mode mode = Mode::Greedy;
  bool negative = false, behind = false;
  ::Kind anchor = ::Kind::TextBegin;

  bool canBeEmpty() const {
    switch (kind) {
    case Set:
      return false;
    case Sequence:
    case Atomic:
      return all_of(parts, [](const Tree &part) { return part.canBeEmpty(); });
    case Alternatives:
      return any_of(parts, [](const Tree &part) { return part.canBeEmpty(); });
    case Repeat:
      return min == 0 || parts[0].canBeEmpty();
    default:
      return true;
    }
  }
};

//===----------------------------------------------------------------------===//
// Pattern -> tree
//===----------------------------------------------------------------------===//

class Parser {
public:
  explicit Parser(StringRef pattern) : text(CodePoints(pattern).points) {}

  Expected<Tree> parse() {
    std::optional<Tree> tree = alternatives(false, 0);
    if (tree && at == text.size())
      return std::move(*tree);
    return createStringError(error ? error : "unbalanced ')'");
  }

private:
  std::nullopt_t fail(const char *what) {
    if (!error)
      error = what;
    return std::nullopt;
  }
  bool more() const { return at < text.size(); }
  uint32_t peek() const { return more() ? text[at] : 0; }
  bool take(StringRef word) {
    if (text.size() - at < word.size())
      return false;
    for (size_t i = 0; i < word.size(); ++i)
      if (text[at + i] != uint8_t(word[i]))
        return false;
    at += word.size();
    return true;
  }

  static void addFolded(CharSet &set, uint32_t low, uint32_t high) {
    set.ranges.emplace_back(low, high);
    for (uint32_t c = std::max<uint32_t>(low, 'A'); c <= std::min<uint32_t>(high, 'z'); ++c) {
      if (!isAlpha(char(c)))
        continue;
      set.ranges.emplace_back(c ^ 0x20, c ^ 0x20);
      if ((c | 0x20) == 's')
        set.ranges.emplace_back(0x17f, 0x17f); // long s
      if ((c | 0x20) == 'k')
        set.ranges.emplace_back(0x212a, 0x212a); // Kelvin sign
    }
  }
  bool add(CharSet &set, uint32_t low, uint32_t high, bool fold) {
    if (fold && high >= 128 && isIn(high, kLetter)) {
      fail("case-insensitive letters outside ASCII");
      return false;
    }
    if (fold)
      addFolded(set, low, high);
    else
      set.ranges.emplace_back(low, high);
    return true;
  }

  std::optional<uint32_t> hex(unsigned least, unsigned most) {
    uint32_t value = 0;
    unsigned digits = 0;
    while (digits < most && more() && peek() < 128 && isHexDigit(char(peek()))) {
      value = value * 16 + hexDigitValue(char(text[at++]));
      ++digits;
    }
    if (digits < least || value > 0x10ffff)
      return fail("a bad hexadecimal escape");
    return value;
  }

  std::optional<CategoryMask> property() {
    std::string name;
    if (!take("{"))
      name = std::string(1, char(more() ? text[at++] : 0));
    else
      while (more() && !take("}"))
        append(name, text[at++]);
    static constexpr StringLiteral names[] = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
                                              "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};
    for (auto [i, known] : enumerate(names))
      if (name == known)
        return bit(Category(i));
    CategoryMask mask = StringSwitch<CategoryMask>(name)
                            .Cases({"L", "Letter"}, kLetter)
                            .Cases({"M", "Mark"}, kMark)
                            .Cases({"N", "Number"}, kNumber)
                            .Cases({"P", "Punctuation"}, kPunctuation)
                            .Cases({"S", "Symbol"}, kSymbol)
                            .Cases({"Z", "Separator"}, kSeparator)
                            .Cases({"C", "Other"}, kOther)
                            .Default(0);
    if (!mask)
      return fail("an unknown Unicode property");
    return mask;
  }

  /// What follows a backslash. Adds a class to `set`, or gives a literal.
  bool escape(CharSet &set, std::optional<uint32_t> &literal) {
    if (!more()) {
      fail("a backslash at the end");
      return false;
    }
    uint32_t c = text[at++];
    switch (c) {
    case 's': set.space = true; return true;
    case 'S': set.notSpace = true; return true;
    case 'd': set.categories |= bit(Nd); return true;
    case 'n': literal = '\n'; return true;
    case 'r': literal = '\r'; return true;
    case 't': literal = '\t'; return true;
    case 'f': literal = '\f'; return true;
    case 'v': literal = '\v'; return true;
    case '0': literal = 0; return true;
    case 'u': literal = hex(4, 4); return literal.has_value();
    case 'x':
      if (!take("{"))
        literal = hex(1, 2);
      else if ((literal = hex(1, 6)) && !take("}"))
        literal = fail("a bad hexadecimal escape");
      return literal.has_value();
    case 'D':
    case 'P':
    case 'p': {
      bool negative = c != 'p';
      std::optional<CategoryMask> mask = bit(Nd);
      if (c != 'D') {
        if (at + 1 < text.size() && text[at] == '{' && text[at + 1] == '^') {
          negative = !negative;
          text[++at] = '{';
        }
        mask = property();
      }
      if (!mask)
        return false;
      if (negative && set.notCategories) {
        fail("two negated properties in one class");
        return false;
      }
      (negative ? set.notCategories : set.categories) |= *mask;
      return true;
    }
    default:
      if (c < 128 && isAlnum(char(c))) {
        fail("an unknown escape");
        return false;
      }
      literal = c;
      return true;
    }
  }

  std::optional<CharSet> bracket(bool fold) {
    CharSet set;
    set.negate = take("^");
    bool first = true;
    while (!take("]") || first) {
      if (!more())
        return fail("a class without an end");
      if (peek() == '[' || take("&&"))
        return fail("a class inside a class");
      std::optional<uint32_t> low;
      if (first && at > 0 && text[at - 1] == ']')
        low = ']';
      else if (take("\\")) {
        if (!escape(set, low))
          return std::nullopt;
      } else
        low = text[at++];
      first = false;
      if (!low)
        continue;
      uint32_t high = *low;
      if (peek() == '-' && at + 1 < text.size() && text[at + 1] != ']') {
        ++at;
        std::optional<uint32_t> end;
        if (take("\\")) {
          if (!escape(set, end))
            return std::nullopt;
        } else
          end = text[at++];
        if (!end || *end < *low)
          return fail("a bad range");
        high = *end;
      }
      if (!add(set, *low, high, fold))
        return std::nullopt;
    }
    set.finish();
    return set;
  }

  std::optional<Tree> group(bool fold, unsigned depth) {
    Tree tree;
    if (take("?=") || take("?!")) {
      tree.kind = Tree::Look;
      tree.negative = text[at - 1] == '!';
    } else if (take("?<=") || take("?<!")) {
      tree.kind = Tree::Look;
      tree.behind = true;
      tree.negative = text[at - 1] == '!';
    } else if (take("?>")) {
      tree.kind = Tree::Atomic;
    } else if (take("?i:")) {
      fold = true;
    } else if (!take("?:") && peek() == '?') {
      return fail("an unknown kind of group");
    }
    std::optional<Tree> inner = alternatives(fold, depth + 1);
    if (!inner)
      return std::nullopt;
    if (!take(")"))
      return fail("a group without an end");
    if (tree.kind == Tree::Empty)
      return inner;
    if (tree.behind && inner->kind != Tree::Set)
      return fail("look-behind of more than one character");
    tree.parts.push_back(std::move(*inner));
    return tree;
  }

  std::optional<Tree> atom(bool fold, unsigned depth) {
    Tree tree;
    auto anchor = [&](::Kind kind) {
      tree.kind = Tree::Anchor;
      tree.anchor = kind;
      return tree;
    };
    if (take("("))
      return group(fold, depth);
    if (take("^"))
      return anchor(::Kind::LineBegin);
    if (take("$"))
      return anchor(::Kind::LineEnd);
    if (take("\\A"))
      return anchor(::Kind::TextBegin);
    if (take("\\z"))
      return anchor(::Kind::TextEnd);
    tree.kind = Tree::Set;
    if (take("[")) {
      std::optional<CharSet> set = bracket(fold);
      if (!set)
        return std::nullopt;
      tree.set = std::move(*set);
      return tree;
    }
    std::optional<uint32_t> literal;
    if (take(".")) {
      tree.set.negate = true;
      literal = '\n';
    } else if (take("\\")) {
      if (!escape(tree.set, literal))
        return std::nullopt;
    } else if (peek() == '*' || peek() == '+' || peek() == '?') {
      return fail("nothing to repeat");
    } else {
      literal = text[at++];
    }
    if (literal && !add(tree.set, *literal, *literal, fold))
      return std::nullopt;
    tree.set.finish();
    return tree;
  }

  std::optional<uint32_t> number() {
    uint32_t value = 0;
    size_t begin = at;
    while (more() && peek() >= '0' && peek() <= '9' && value < 100000)
      value = value * 10 + (text[at++] - '0');
    if (at == begin)
      return std::nullopt;
    return value;
  }

  std::optional<Tree> repeated(Tree inner) {
    Tree tree;
    tree.kind = Tree::Repeat;
    bool braces = false;
    size_t begin = at;
    if (take("*")) {
      tree.min = 0, tree.max = kUnbounded;
    } else if (take("+")) {
      tree.min = 1, tree.max = kUnbounded;
    } else if (take("?")) {
      tree.min = 0, tree.max = 1;
    } else if (take("{")) {
      std::optional<uint32_t> low = number();
      bool comma = take(",");
      std::optional<uint32_t> high = comma ? number() : low;
      if ((!low && !high) || !take("}")) {
        at = begin;
        return inner; // a brace that counts nothing is a character
      }
      tree.min = low.value_or(0), tree.max = high.value_or(kUnbounded);
      if (tree.max < tree.min)
        return fail("a bad count");
      braces = true;
    } else {
      return inner;
    }
    if (take("?"))
      tree.mode = Mode::Lazy;
    else if (!braces && take("+"))
      tree.mode = Mode::Possessive;
    tree.parts.push_back(std::move(inner));
    return repeated(std::move(tree));
  }

  std::optional<Tree> alternatives(bool fold, unsigned depth) {
    if (depth > 50)
      return fail("groups nested too deeply");
    Tree all;
    all.kind = Tree::Alternatives;
    do {
      Tree sequence;
      sequence.kind = Tree::Sequence;
      while (more() && peek() != '|' && peek() != ')') {
        size_t begin = at;
        std::optional<Tree> part = atom(fold, depth);
        if (part)
          part = repeated(std::move(*part));
        if (!part)
          return std::nullopt;
        if (at == begin)
          return fail("an unexpected brace");
        sequence.parts.push_back(std::move(*part));
      }
      all.parts.push_back(sequence.parts.size() == 1 ? Tree(sequence.parts[0]) : std::move(sequence));
    } while (take("|"));
    return all.parts.size() == 1 ? Tree(all.parts[0]) : std::move(all);
  }

  std::vector<uint32_t> text;
  size_t at = 0;
  const char *error = nullptr;
};
} // namespace

//===----------------------------------------------------------------------===//
// Tree -> graph, and matching
//===----------------------------------------------------------------------===//

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
    case Tree::Anchor:
      return node(tree.anchor, next);
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
        int64_t end = node.behind ? (at ? match(text, node.sub, at - 1, depth + 1) : -1) : match(text, node.sub, at, depth + 1);
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
  auto wrong = [&](const Twine &why) { return createStringError("regular expression '" + pattern + "': " + why + " is not supported"); };
  Expected<Tree> tree = Parser(pattern).parse();
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
