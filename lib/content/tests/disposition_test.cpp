#include <slipway/content/disposition.hpp>
#include <slipway/content/urlencoded.hpp>

#include <gtest/gtest.h>

namespace slipway::content {
namespace {

TEST(disposition, parses) {
  auto const a = parse_disposition("Form-Data; name=\"field\"; filename=\"x.txt\"");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->type, "form-data");
  EXPECT_EQ(a->name, "field");
  EXPECT_EQ(a->file_name, "x.txt");
  // The examples of RFC 6266, section 5.
  EXPECT_EQ(parse_disposition("Attachment; filename=example.html")->file_name, "example.html");
  EXPECT_EQ(parse_disposition("INLINE; FILENAME= \"an example.html\"")->file_name, "an example.html");
  EXPECT_EQ(parse_disposition("attachment; filename*= UTF-8''%e2%82%ac%20rates")->file_name, "\xe2\x82\xac rates");
  EXPECT_EQ(parse_disposition("attachment; filename=\"EURO rates\"; filename*=utf-8'en'%e2%82%ac%20rates")->file_name,
            "\xe2\x82\xac rates");
  EXPECT_EQ(parse_disposition("attachment; filename=\"plain\"; filename*=latin-1''x")->file_name, "plain")
      << "an unknown charset is passed over";
  EXPECT_EQ(parse_disposition("attachment; filename=\"plain\"; filename*=UTF-8''%ff")->file_name, "plain");
  EXPECT_EQ(parse_disposition("form-data; name=\"a%22b%0D%0A%41\"")->name, "a\"b\r\n%41") << "only what forms escape";
  EXPECT_EQ(parse_disposition("form-data; name=\"C:\\dir\\x\"")->name, "C:\\dir\\x");
  EXPECT_EQ(parse_disposition("form-data; name=\"a\\\"b\"")->name, "a\"b");
  EXPECT_FALSE(parse_disposition("form-data")->name);
  for (auto bad :
       {"", ";", "a b; name=x", "form-data; name", "form-data; name=", "form-data; name=\"a",
        "form-data; name=a; name=b", "form-data; name=a b", "form-data; =x", "form-data; filename=a; filename=b"})
    EXPECT_FALSE(parse_disposition(bad)) << bad;
}

TEST(disposition, makes_names_safe) {
  struct row {
    std::string name, safe;
  };
  for (auto const& [name, safe] : std::vector<row>{{"report.pdf", "report.pdf"},
                                                   {"../../etc/passwd", "passwd"},
                                                   {"C:\\Windows\\win.ini", "win.ini"},
                                                   {"/", "file"},
                                                   {"..", "file"},
                                                   {"", "file"},
                                                   {".htaccess", "htaccess"},
                                                   {"a/b/", "file"},
                                                   {"nul", "_nul"},
                                                   {"COM1.txt", "_COM1.txt"},
                                                   {"com10.txt", "com10.txt"},
                                                   {"trailing. . ", "trailing"},
                                                   {std::string{"nul\0byte", 8}, "nulbyte"},
                                                   {"line\r\nX: y", "lineX_ y"},
                                                   {"a<b>:\"|?*%;.txt", "a_b________.txt"},
                                                   {"\xc3\xa9t\xc3\xa9.txt", "\xc3\xa9t\xc3\xa9.txt"},
                                                   {"bad\xff.txt", "bad_.txt"},
                                                   {"x\xe2\x80\xae"
                                                    "fdp.exe",
                                                    "xfdp.exe"},
                                                   {"x\xe2\x81\xa6y", "xy"},
                                                   {"x\xc2\x85y", "xy"},
                                                   {"...", "file"},
                                                   {"  x", "x"}})
    EXPECT_EQ(safe_file_name(name), safe) << name;
  auto const longer = safe_file_name(std::string(500, 'a') + ".tar.gz");
  EXPECT_EQ(longer.size(), 200u);
  EXPECT_TRUE(longer.ends_with("a.gz"));
  std::string accents;
  for (int i = 0; i < 300; ++i) accents += "\xc3\xa9";
  EXPECT_TRUE(is_utf8(safe_file_name(accents)));
  EXPECT_LE(safe_file_name(accents).size(), 200u);
}

TEST(disposition, attachment) {
  EXPECT_EQ(attachment("report.pdf"), "attachment; filename=\"report.pdf\"");
  EXPECT_EQ(attachment("r\xc3\xa9sum\xc3\xa9.pdf"),
            "attachment; filename=\"r_sum_.pdf\"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf");
  EXPECT_EQ(attachment("a\"\r\nSet-Cookie: x=y"), "attachment; filename=\"a_Set-Cookie_ x=y\"");
}

}  // namespace
}  // namespace slipway::content
