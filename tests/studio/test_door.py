"""The key: typed once, tried, kept in the tab alone, and forgotten when that is wished."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, expect

from dev.stack import LOCAL_KEY
from tests.studio.place import Studio, ask_for, come_in, tile


def test_a_key_that_opens_nothing_is_refused_in_words(page: Page, studio: Studio) -> None:
    page.goto(studio.url)
    for wrong, says in (
        ("two words", "A key is up to 4096 letters, digits and . _ ~ + / - without spaces."),
        ("k" * 4097, "A key is up to 4096 letters"),
        ("rk-nobody-has-this-one", "This key is not known here, or switched off."),
    ):
        page.get_by_label("Your key").fill(wrong)
        page.get_by_role("button", name="Come in").click()
        expect(page.get_by_role("alert")).to_contain_text(says)
        expect(page.get_by_label("What the video shows")).to_be_hidden()
        assert page.evaluate("sessionStorage.length") == 0


def test_it_is_kept_in_this_tab_alone(inside: Page, context: BrowserContext, studio: Studio, key: str) -> None:
    assert inside.evaluate("sessionStorage.getItem('reelay.key')") == key
    assert inside.evaluate("localStorage.length") == 0
    assert context.cookies() == []
    assert key not in inside.url
    assert key not in inside.content()
    inside.reload()
    expect(inside.get_by_label("What the video shows")).to_be_visible()
    other = context.new_page()
    other.goto(studio.url)
    expect(other.get_by_label("Your key")).to_be_visible()


def test_forgetting_it_leaves_nothing_of_it(page: Page, studio: Studio, key: str) -> None:
    studio.made(key)
    come_in(page, studio, key)
    expect(tile(page, "a golden retriever in orbit")).to_be_visible()
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_label("Your key")).to_be_focused()
    assert page.evaluate("sessionStorage.length") == 0
    assert page.locator("#gallery .card").count() == 0


def test_a_key_of_reelays_own_works_too(page: Page, studio: Studio) -> None:
    come_in(page, studio, LOCAL_KEY)


def test_on_ones_own_machine_it_says_which_key_will_do(page: Page, context: BrowserContext, studio: Studio) -> None:
    page.goto(studio.url)
    expect(page.get_by_text("any key will do, such as sk-anything")).to_be_visible()
    away = "https://reelay.example"
    context.route(f"{away}/**", lambda route: route.fulfill(response=route.fetch(url=here(route.request.url))))

    def here(url: str) -> str:
        return url.replace(away, studio.stack.url)

    page.goto(studio.url.replace(studio.stack.url, away))
    expect(page.get_by_label("Your key")).to_be_focused()
    expect(page.get_by_text("any key will do")).to_be_hidden()


def test_who_knocks_twice_comes_in_once(page: Page, studio: Studio, key: str) -> None:
    page.goto(studio.url)
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Come in").dblclick()
    expect(page.get_by_label("What the video shows")).to_be_focused()
    page.wait_for_load_state("networkidle")
    assert page.locator("#code-kinds input").count() == 3, "its parts were set up once"
    paid = studio.simulator.posts
    expect(ask_for(page, "a dog").locator(".words")).to_have_text("Ready")
    assert studio.simulator.posts == paid + 1


def test_nothing_from_outside_could_run(context: BrowserContext, studio: Studio) -> None:
    page = context.new_page()
    page.goto(studio.url)
    run = """text => {
        const script = document.createElement("script");
        script.text = text;
        document.body.append(script);
    }"""
    for broken in (run, "text => { document.body.innerHTML = `<b>${text}</b>` }"):
        refused = page.evaluate(
            f"text => {{ try {{ ({broken})(text); return false }} catch (error) {{ return error.name }} }}",
            "window.ran = true",
        )
        assert refused == "TypeError"
    assert page.evaluate("window.ran") is None
