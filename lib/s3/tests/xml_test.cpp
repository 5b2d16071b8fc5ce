#include <slipway/s3/xml.hpp>

#include <gtest/gtest.h>

namespace slipway::s3 {
namespace {

TEST(xml, is_read_into_elements) {
  auto const read = parse_xml(
      "<?xml version=\"1.0\"?>\n<s3:List xmlns:s3=\"x\"> <Key>a&amp;b</Key><C><P>1</P></C><C><P>2</P></C></s3:List>");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, "List");
  EXPECT_EQ(read->value("Key"), "a&b");
  EXPECT_EQ(read->value("None"), "");
  ASSERT_EQ(read->children.size(), 3u);
  EXPECT_EQ(read->children[2].value("P"), "2");
}

TEST(xml, that_is_broken_deep_or_brings_entities_is_refused) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (std::string const& wrong :
       {std::string{}, std::string{"no"}, std::string{"<a>"}, std::string{"<a></b>"}, std::string{"<a/><b/>"}, deep,
        std::string{"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"}})
    EXPECT_FALSE(parse_xml(wrong)) << wrong.substr(0, 40);
}

}  // namespace
}  // namespace slipway::s3
