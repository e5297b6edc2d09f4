//===- OptionsTest.cpp - command lines as tables ------------------------===//
//
// Part of Sinter, under the Apache License v2.0 with LLVM Exceptions.
//
//===----------------------------------------------------------------------===//

#include "tools/sinter/Options.h"

#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

using namespace llvm;
using namespace sinter::tools;

namespace {
enum class Size { Small, Large };

struct CommandTest : testing::Test {
  Command command{"brew", "make coffee"};
  std::string bean, note;
  std::vector<std::string> extras;
  std::optional<int64_t> cups;
  std::vector<int64_t> times;
  double strength = 1;
  Size size = Size::Small;
  bool verbose = false;
  std::string help;

  CommandTest() {
    command.positional("BEAN", "what it is made of", bean);
    command.option("note", "TEXT", "a note", note);
    command.option("extra", "NAME", "something more", extras);
    command.option("cups", "N", "how many", cups, 1);
    command.option("times", "N,...", "when", times, 0);
    command.option("strength", "X", "how strong", strength, 10);
    command.option("o", "FILE", "output", note);
    command.choice("size", "of a cup", size, {{"small", Size::Small}, {"large", Size::Large}});
    command.flag("v", "say more", verbose);
    command.example("sinter brew arabica --cups=2", "two cups");
  }

  /// The error, or nothing.
  std::string parse(std::vector<StringRef> arguments) {
    raw_string_ostream os(help);
    Expected<bool> result = command.parse(arguments, os);
    if (result)
      return "";
    Error error = result.takeError();
    EXPECT_TRUE(error.isA<UsageError>());
    return toString(std::move(error));
  }
};
} // namespace

TEST_F(CommandTest, TakesValues) {
  EXPECT_EQ(parse({"--cups", "3", "arabica", "--extra=a=b", "--extra", "c", "--size=large", "-v", "--times=1, 2",
                   "--strength=2.5", "-o", "x"}),
            "");
  EXPECT_EQ(bean, "arabica");
  EXPECT_EQ(cups, 3);
  EXPECT_EQ(extras, (std::vector<std::string>{"a=b", "c"}));
  EXPECT_EQ(size, Size::Large);
  EXPECT_EQ(times, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(strength, 2.5);
  EXPECT_EQ(note, "x");
  EXPECT_TRUE(verbose);
}

TEST_F(CommandTest, TakesWhatLooksLikeOptions) {
  EXPECT_EQ(parse({"--note", "--cups", "--", "--bean"}), "");
  EXPECT_EQ(note, "--cups");
  EXPECT_EQ(bean, "--bean");
}

TEST_F(CommandTest, SaysWhatIsWrong) {
  EXPECT_EQ(parse({"b", "--cubs=3"}), "unknown option '--cubs=3', did you mean '--cups'?");
  EXPECT_EQ(parse({"b", "--wwwwwwww"}), "unknown option '--wwwwwwww' (see 'sinter brew --help')");
  EXPECT_EQ(parse({"b", "--cups=x"}), "'--cups': 'x' is no whole number");
  EXPECT_EQ(parse({"b", "--cups=0"}), "'--cups': '0' is less than 1");
  EXPECT_EQ(parse({"b", "--times=1,,2"}), "'--times': '1,,2' is no list of numbers: '' is no whole number");
  EXPECT_EQ(parse({"b", "--strength=nan"}), "'--strength': 'nan' is no number from 0 to 10");
  EXPECT_EQ(parse({"b", "--size=huge"}), "'--size': 'huge' is none of small|large");
  EXPECT_EQ(parse({"b", "--cups"}), "'--cups' needs a value: --cups=N");
  EXPECT_EQ(parse({"b", "-v=1"}), "'-v' takes no value");
  EXPECT_EQ(parse({"b", "c"}), "unexpected argument 'c' (see 'sinter brew --help')");
  EXPECT_EQ(parse({}), "no BEAN is given (see 'sinter brew --help')");
}

TEST_F(CommandTest, ExplainsItself) {
  EXPECT_EQ(parse({"--help"}), "");
  for (const char *part :
       {"sinter brew: make coffee", "Usage: sinter brew BEAN [options]",
        "  sinter brew arabica --cups=2\n      two cups\n", "--size=small|large", "of a cup", "-o FILE"})
    EXPECT_NE(help.find(part), std::string::npos) << part;
}
