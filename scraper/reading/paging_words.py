"""Words in many languages for the links from page to page. All are in lower case."""

from scraper.reading.canonical import names_in

PAGE = names_in(
    "page pages seite seiten página pagina paginas páginas pàgina side sida sivu sivulle strona"
    " strony stranka stránka stránky strana stranica stran oldal pagină страница стр сторінка"
    " страници σελίδα sayfa trang halaman laman lehekülg lapa puslapis orria páxina"
    " صفحة الصفحة עמוד לעמוד पृष्ठ หน้า ページ 頁 页 페이지 صفحه"
)

NEXT = names_in(
    "next older forward nxt"
    " weiter nächste nächster nächsten naechste vor vorwärts vorwaerts"
    " suivant suivante suivants suivantes suiv"
    " siguiente siguientes sig próxima próximo proxima proximo próximas adelante"
    " seguinte seguintes avançar següent seguent hurrengoa seguinte"
    " successivo successiva successivi avanti prossima prossimo succ"
    " volgende verder nästa nasta næste naeste neste seuraava seuraavat"
    " następna następny nastepna następne dalej další dalsi následující ďalšia ďalší ďalej"
    " nasledujúca következő kovetkezo tovább următoarea următorul urmatoarea urmatorul înainte"
    " sljedeća sljedeće slijedeća sledeća sledeće naprijed naslednja naprej dalje"
    " следующая следующий следующие следующую след вперёд вперед далее дальше"
    " наступна наступний далі уперед следваща следващи напред следна επόμενη επόμενο επόμενα"
    " sonraki ileri التالي التالية הבא הבאה بعدی अगला अगले ถัดไป sau tiếp berikutnya"
    " selanjutnya lanjut seterusnya järgmine nākamā nākamais tālāk kitas kita toliau sekantis"
    " 次へ 次 次の 次のページ 次ページ 次ページへ 次のページへ 下一页 下一頁 下页 下頁 后一页"
    " 다음 다음페이지 หน้าถัดไป"
)

PREVIOUS = names_in(
    "previous prev newer back last first zurück vorherige letzte erste précédent précédente prec"
    " dernière première anterior último última ultimo ultima primera primero precedente"
    " indietro vorige laatste eerste föregående forrige edellinen poprzednia wstecz předchozí"
    " предыдущая назад последняя önceki"
)
"""words of links that don't lead on. A link to the last page is no next page either."""

MORE = names_in(
    "more mehr weitere plus más mas mais altri altro altre meer fler flere mere enemmän lisää"
    " więcej wiecej další více viac ďalšie több mult multe više več još още ещё еще больше ще"
    " більше περισσότερα περισσότερες daha المزيد עוד بیشتر और thêm lagi lainnya banyak rohkem"
    " vairāk daugiau més もっと見る もっとみる さらに表示 さらに読み込む 加载更多 查看更多 显示更多"
    " 更多 載入更多 更多商品 더보기 더 เพิ่มเติม ดูเพิ่มเติม"
)

LOAD = names_in(
    "load laden nachladen charger cargar carregar carica laad ladda lataa załaduj načíst načti"
    " načítať betöltése încarcă učitaj naloži зареди загрузить завантажити φόρτωση yükle تحميل"
    " טען tải muat"
)
"""With one of MORE they mean a link that loads more, as in "load more mugs"."""

LISTED = names_in(
    "results result products product items item articles article entries listing"
    " artikel produkte ergebnisse produits résultats résultat productos resultados artículos"
    " produtos prodotti risultati articoli producten resultaten artikelen produkter resultat varor"
    " varer tuotteet tuotteita produkty produktów produktů produktov výrobky termék terméket"
    " termékek produse produselor proizvodi izdelkov товары товаров товари товарів продукти"
    " προϊόντα ürün ürünler منتجات מוצרים sản phẩm produk toode tooted preces prekės prekių"
)
"""names of the things that a listing lists"""

_BESIDE = names_in(
    "show view see display get anzeigen zeigen ansehen voir afficher"
    " ver mostrar cargue exibir mostra vedi bekijk bekijken toon tonen"
    " visa vis hent last näytä pokaż zobacz zobrazit"
    " zobraziť betöltés mutass megjelenítése arată vezi prikaži pokaži"
    " покажи показать показати δείτε εμφάνιση göster"
    " عرض הצג نمایش देखें xem lihat näita rādīt rodyti 보기"
    " go to the of in"
    " zur zum vai alla aller à la al a ir de des les los las os do da na k η σελίδα на к"
    " 第 目 ページ目 쪽 번째 button link icon arrow right chevron"
)
FILLERS = PAGE | LOAD | LISTED | _BESIDE
"""words that mean nothing alone, but may be beside the others"""

OF = r"of|out of|von|sur|de|di|da|do|van|av|af|ud af|z|ze|od|din|из|з|от|από|trong|dari|من|מתוך|/"
"""a regular expression for what is between two numbers, as in "page 1 of 3", in many languages"""
