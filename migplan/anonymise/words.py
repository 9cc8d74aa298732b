"""What names of columns, tables and JSON keys say of what they hold, in English and in Spanish."""

import re
import unicodedata
from functools import lru_cache

from migplan.config import ColumnKind

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


@lru_cache(maxsize=2**15)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, small and without accents: ``guestEmail_2`` is guest, email, 2."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    return tuple(word.lower() for word in _WORD.findall(plain))


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_HARMLESS_KEYS = _set("primary foreign sort group partition")

# The strictest first: the first that a name speaks of is what its column holds.
_SPEAKING: tuple[tuple[ColumnKind, frozenset[str], str], ...] = (
    (
        ColumnKind.SECRET,
        _set(
            "password passwords passwd pwd pass passphrase passcode secret secrets token tokens apikey "
            "apikeys credential credentials creds jwt bearer hash hashed digest checksum salt pin otp totp "
            "cvv cvc csc signature sig cookie cookies nonce encrypted ciphertext cipher authorization "
            "privatekey accesskey secretkey webhooksecret sha sha1 sha256 md5 hmac csrf recovery mfa seed "
            "mnemonic session sessionid sid contrasena clave secreto llave firma credencial credenciales "
            "sesion cifrado"
        ),
        r"passw|secret|token|apikey|contrasen|credential|privatekey|accesskey",
    ),
    (
        ColumnKind.DOCUMENT,
        _set(
            "passport ssn nin nino dni nie nif cif curp rfc rut run cuit cuil cpf cnpj nit cedula documento "
            "document doc pasaporte identidad tin vat ein itin aadhaar licence license licencia matricula "
            "plate tax fiscal taxid nationalid identification identificacion insurance visa"
        ),
        r"passport|pasaporte|cedula|documentn|socialsecurity|taxnumber|taxid|nationalid|identitycard",
    ),
    (
        ColumnKind.BIRTH,
        _set("birth birthday birthdate dob born nacimiento cumpleanos nacido nacida age edad"),
        r"birth|nacimiento|dateofb",
    ),
    (
        ColumnKind.NUMBER,
        _set(
            "iban bic swift card cc pan creditcard debitcard cardnumber tarjeta cuenta cbu clabe routing "
            "imei imsi"
        ),
        r"cardn|creditcard|accountn|bankacc|numerotarjeta|numerocuenta",
    ),
    (ColumnKind.EMAIL, _set("email emails mail mails correo correos"), r"email|correoe"),
    (
        ColumnKind.PHONE,
        _set(
            "phone phones telephone tel telefono telefonos mobile movil celular cell cellphone fax whatsapp "
            "msisdn sms"
        ),
        r"phone|telefono|mobilen|whatsappn",
    ),
    (ColumnKind.IP, _set("ip ipv4 ipv6 ips inet mac macaddr"), r"ipaddr|remoteaddr|clientip"),
    (
        ColumnKind.PLACE,
        _set(
            "lat lng lon long latitude longitude latitud longitud coordinates coordinate coords coord "
            "coordenadas geo geom geometry geography geolocation gps location ubicacion posicion"
        ),
        r"latitud|longitud|geoloc|coordin",
    ),
    (
        ColumnKind.MONEY,
        _set(
            "salary salaries salario sueldo wage wages income ingreso ingresos payroll nomina compensation "
            "networth earnings pension balance saldo"
        ),
        r"salary|salario|sueldo",
    ),
    (
        ColumnKind.URL,
        _set(
            "url urls uri uris link links href webhook endpoint website homepage enlace feed callback "
            "referrer referer avatar photo "
             "photos picture image images foto fotos thumbnail domain hostname subdomain host"),
        r"url$",
    ),
    (
        ColumnKind.NAME,
        _set(
            "name names firstname lastname fullname surname forename middlename nickname nick username "
            "login handle alias displayname nombre nombres apellido apellidos apodo usuario person persona "
            "contact contacto guest huesped customer cliente owner propietario titular author autor "
            "employee empleado recipient destinatario sender remitente beneficiary beneficiario attendee "
            "maiden gender sex sexo genero religion nationality nacionalidad ethnicity race user staff "
            "member titulo initials spouse father mother padre madre"
        ),
        r"name$|nombre|apellido",
    ),
    (
        ColumnKind.ADDRESS,
        _set(
            "address addresses street road avenue house apartment building city town village region "
            "province county state zip zipcode postcode postal postalcode neighborhood direccion "
            "direcciones calle avenida ciudad municipio pueblo barrio provincia departamento codigopostal "
            "domicilio"
        ),
        r"address|direccion|zipcode|postalc",
    ),
    (
        ColumnKind.TEXT,
        _set(
            "text body content message messages comment comments note notes description summary subject "
            "title transcript reason error details detail remark remarks bio about feedback review reply "
            "request requests query prompt answer question payload raw log texto cuerpo contenido mensaje "
            "mensajes comentario comentarios nota notas descripcion resumen asunto motivo observacion "
            "observaciones detalle detalles opinion respuesta pregunta historial diagnosis "
            "diagnostico file files path paths filename archivo fichero ruta"
        ),
        r"$^",
    ),
)  # fmt: skip

# Words at the end of a name after which it is about a thing of that sort, not the thing itself.
CATEGORIES = _set(
    "status state type kind category currency language lang locale timezone tz level role priority severity "
    "stage phase mode channel source gender unit units method format version color colour country "
    "countrycode code provider platform plan tier scope action event op operation protocol environment env "
    "mime mimetype direction algorithm encoding charset visibility frequency period interval estado tipo "
    "clase categoria moneda idioma nivel rol prioridad etapa fase modo canal origen unidad metodo formato "
    "pais proveedor plataforma accion"
)
_HARMLESS_NOUNS = _set(
    "status type kind category currency language lang locale timezone tz mime mimetype encoding "
                       "algorithm charset estado tipo clase categoria moneda idioma")  # fmt: skip
COUNTS = _set(
    "count counts total totals amount price cost quantity qty size bytes length width height weight "
    "duration ms seconds minutes hours days version position order index rank score rating percent "
    "percentage ratio rate limit offset max min avg sum year month day time timestamp ts at date epoch "
    "expires expiry ttl used usage attempts retries sequence seq level threshold nights guests adults "
    "children rows pages page line lines step steps points cantidad precio costo coste importe monto orden "
    "posicion fecha hora dias noches peso tamano"
)
_TALLYING = _set("max min avg sum total num count used")
PLATFORMS = _set(
    "external ext foreign remote third provider upstream vendor stripe paypal airbnb booking expedia vrbo "
    "motopress mphb moto whatsapp twilio slack google facebook meta github gitlab hubspot salesforce "
    "shopify mailchimp zendesk quickbooks xero auth0 firebase cognito apple microsoft azure aws linkedin "
    "twitter telegram discord externo externa reference ref confirmation reservation tracking receipt uid "
    "referencia localizador codigo"
)
PEOPLE = _set(
    "user users guest guests customer customers client clients person people contact contacts employee "
    "employees staff member members patient patients student students profile profiles account accounts "
    "lead leads subscriber subscribers owner owners author authors passenger passengers applicant "
    "applicants candidate huesped huespedes cliente clientes usuario usuarios persona personas empleado "
    "empleados contacto contactos paciente pacientes alumno alumnos titular titulares pasajero pasajeros "
    "miembro miembros perfil perfiles"
)
_ORDINARY = _set(
    "general main custom english spanish simple europe "
    "a an the of to in on by for with from and or not is has id ids key keys value values data items item "
    "list array object objects first last middle full next previous new old default enabled disabled active "
    "inactive created updated deleted modified started ended options option settings setting config "
    "configuration meta metadata params parameters attributes attribute properties property fields field "
    "tags tag labels label flags flag groups group results result response body headers header children "
    "parent nested deep inner outer left right primary secondary public private internal true false yes no "
    "none null unknown other all any low medium high normal open closed pending confirmed cancelled "
    "canceled completed done failed success ok draft published archived paid unpaid refunded processing "
    "queued running ready sent received read unread checked out succeeded error warning info debug trace "
    "fatal in progress hold on off todo done blocked resolved reopened assigned unassigned waiting "
    "scheduled expired verified unverified approved rejected declined suspended locked unlocked banned "
    "shipped delivered "
    "returned lost won missing partial complete incomplete valid invalid synced stale conflict retrying "
    "skipped ignored started stopped paused finished ended aborted terminated timeout upcoming past current "
    "future maintenance web email mail sms phone app mobile desktop tablet api manual automatic auto direct "
    "online offline remote local import export migration free trial basic standard pro premium enterprise "
    "starter business personal team system bot assistant agent human service admin administrator manager "
    "editor viewer moderator support operator developer inbound outbound incoming outgoing image video audio "
    "document pdf jpeg jpg png gif webp svg json csv xml html txt plain application octet stream multipart "
    "daily weekly monthly yearly hourly once never always credit debit card cash transfer bank invoice "
    "payment refund sale purchase single double twin suite room unit stay booking reservation block request "
    "utc gmt activo activa inactivo inactiva pendiente confirmado confirmada cancelado cancelada completado "
    "completada abierto abierta cerrado cerrada pagado pagada enviado enviada recibido borrador publicado "
    "reserva bloqueo manual automatico diario semanal mensual anual alto medio bajo"
)


@lru_cache(maxsize=2**15)
def said_by(words: tuple[str, ...]) -> ColumnKind | None:
    """What a name says its column holds, the strictest first; None when it says nothing of the kind."""
    bare = "".join(words)
    known = frozenset(words)
    for kind, speaking, within in _SPEAKING:
        if known & speaking or re.search(within, bare):
            return kind
    if words and words[-1] in ("key", "keys") and len(words) > 1 and not known & _HARMLESS_KEYS:
        return ColumnKind.SECRET
    return None


@lru_cache(maxsize=2**15)
def is_category(words: tuple[str, ...]) -> bool:
    """Whether the name is that of a category: ``booking_status``, ``moneda``, ``country_code``."""
    if len(words) > 1 and words[-1] in ("code", "codigo"):
        return words[-2] in CATEGORIES | {"iso", "error"}
    if not words or words[-1] not in CATEGORIES:
        return False
    if words[-1] in _HARMLESS_NOUNS or len(words) == 1:
        return True
    return said_by(words[:-1]) in (None, ColumnKind.TEXT, ColumnKind.NAME)


def is_count(words: tuple[str, ...]) -> bool:
    """Whether the name is that of a measure or a moment, of which large numbers are no surprise."""
    return bool(COUNTS.intersection(words))


def is_tally(words: tuple[str, ...]) -> bool:
    """Whether it counts what it speaks of rather than holding it: ``token_count``, ``max_tokens``."""
    return bool(words) and (words[-1] in COUNTS or words[0] in _TALLYING)


def builtin_vocabulary() -> frozenset[str]:
    """Words that a key in JSON may consist of, whoever wrote it."""
    speaking = frozenset[str]().union(*(words for _, words, _ in _SPEAKING))
    return speaking | CATEGORIES | COUNTS | PLATFORMS | PEOPLE | _ORDINARY
